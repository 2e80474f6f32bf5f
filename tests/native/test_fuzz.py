# SPDX-License-Identifier: MIT
"""libFuzzer on the core's front door and its allocators, for a minute in all.

Each target starts from the inputs kept in ``native/fuzz/corpus/`` and looks beside
them with a fixed seed. A finding fails with its input in the message; it becomes a
test of its own in ``native/tests/``.
"""

import re
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.native.programs import DEBUG, ROOT, build, run

SECONDS = 60
FUZZ = ROOT / "native" / "fuzz"
TARGETS = sorted(path.stem for path in FUZZ.glob("fuzz_*.c"))
CLANG = (
    "-DHEAPKIT_FUZZ=ON",
    "-DCMAKE_C_COMPILER=clang",
    "-DHEAPKIT_SANITIZE=fuzzer-no-link,address,undefined",
)
# A board may ask for more memory than there is: -ENOMEM, and no report.
SETTINGS = {"ASAN_OPTIONS": "allocator_may_return_null=1"}


def corpus(target):
    return FUZZ / "corpus" / target.removeprefix("fuzz_")


@pytest.fixture
def folder(skip_or_fail):
    if not shutil.which("clang"):
        skip_or_fail("no clang, whose fuzzer this is: .ci/system-packages test")
    return build("fuzz", *DEBUG, *CLANG)


def fuzz(program, target, found):
    """Run one target; what is new goes to ``found``, not into the kept corpus."""
    return run(
        program,
        f"-max_total_time={SECONDS // len(TARGETS)}",
        "-seed=1",
        "-max_len=2000",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-artifact_prefix={found}/",
        found,
        corpus(target),
        **SETTINGS,
    )


def test_a_minute_of_fuzzing_finds_nothing(folder, tmp_path, report):
    for target in TARGETS:
        (tmp_path / target).mkdir()
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda t: fuzz(folder / t, t, tmp_path / t), TARGETS)
        outcomes = dict(zip(TARGETS, done, strict=True))
    for target, (status, output) in outcomes.items():
        assert status == 0, f"{target}:\n{output[-4000:]}"
    units = re.compile(r"number_of_executed_units: (\d+)")
    runs = sum(int(units.search(output)[1]) for _, output in outcomes.values())
    report(f"fuzzing: {runs:,} inputs to {len(TARGETS)} targets in {SECONDS} s")


@pytest.mark.parametrize("target", TARGETS)
def test_a_corpus_is_kept_and_small(target):
    files = list(corpus(target).iterdir())
    assert files
    assert sum(path.stat().st_size for path in files) < 32 * 1024
