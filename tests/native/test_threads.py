# SPDX-License-Identifier: MIT
"""Many replays at once on shared, immutable traces, watched by TSan."""

import re

from tests.native.programs import PLAIN, ROOT, build, run

SOURCE = ROOT / "native" / "tests" / "test_threads.c"


def test_no_thread_sees_what_another_writes(skip_or_fail):
    folder = build("c-threads", *PLAIN, "-DHEAPKIT_SANITIZE=thread")
    names = re.findall(r"^TEST\((\w+)\)", SOURCE.read_text(), re.MULTILINE)
    status, output = run(folder / "heapkit-tests", *names)
    if "unexpected memory mapping" in output:
        skip_or_fail("TSan cannot lay out its shadow memory on this kernel")
    assert status == 0, output
