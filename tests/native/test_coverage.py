# SPDX-License-Identifier: MIT
"""The C tests reach 95 of 100 lines of the core, as gcov counts them.

They run in a debug build, where every event ends with a check of all invariants.
"""

import json
import shutil
from collections import Counter

from tests.native.programs import ROOT, SHORT, build, run

LIMIT = 95
SOURCES = ROOT / "native" / "src"
# Not optimised: every line is one that can run.
COUNTED = (
    "-DCMAKE_BUILD_TYPE=Debug",
    "-DCMAKE_C_FLAGS_DEBUG=-O0 -g",
    "-DHEAPKIT_COVERAGE=ON",
)


def executions(folder):
    """How often each line of the core ran: {file: {line: count}}, all objects merged.

    A header's inline functions are in many objects.
    """
    counts = {}
    for data in folder.rglob("heapkit_core.dir/**/*.gcda"):
        status, output = run("gcov", "--json-format", "--stdout", data)
        assert status == 0, output
        for source in json.loads(output)["files"]:
            lines = counts.setdefault(source["file"], Counter())
            for line in source["lines"]:
                lines[line["line_number"]] += line["count"]
    return {
        name.removeprefix(f"{SOURCES}/"): lines
        for name, lines in counts.items()
        if name.startswith(f"{SOURCES}/")
    }


def share(lines):
    return 100 * sum(count > 0 for count in lines) / len(lines)


def missed(counts):
    """The worst files, and the lines of each that never ran."""
    files = sorted(counts.items(), key=lambda item: share(item[1].values()))
    return "\n".join(
        f"{name}: {share(lines.values()):.1f} %, not line "
        + ", ".join(str(n) for n, count in sorted(lines.items()) if not count)
        for name, lines in files
        if not all(lines.values())
    )


def test_the_c_tests_reach_nearly_every_line_of_the_core(report, skip_or_fail):
    if not shutil.which("gcov"):
        skip_or_fail("no gcov, which comes with gcc, to count lines with")
    folder = build("c-coverage", *COUNTED)
    for old in folder.rglob("*.gcda"):
        old.unlink()
    for cpu in ({}, {"HEAPKIT_TEST_PORTABLE": "1"}):
        status, output = run(folder / "heapkit-tests", **SHORT, **cpu)
        assert status == 0, output
    counts = executions(folder)
    every = [count for lines in counts.values() for count in lines.values()]
    covered = share(every)
    report(f"coverage: {covered:.1f} % of {len(every)} lines of native/src")
    assert covered >= LIMIT, missed(counts)
