# SPDX-License-Identifier: MIT
"""Why heapkit refuses an oversized request itself. For a guest that can be lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from heapkit import MiB, conformance


def test_the_system_heap_compares_the_size_with_nothing(heaps):
    child = os.fork()
    if not child:
        Path("/proc/self/oom_score_adj").write_text("1000")
        heaps["system"].allocate(2**40, allow_oversized=True)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == -signal.SIGKILL
    with heaps["system"].allocate(1 * MiB) as after:
        assert after.size == 1 * MiB


def test_a_heap_with_a_region_says_enomem_itself(heaps):
    for name in heaps:
        if "system" not in name:
            with pytest.raises(OSError, match="Cannot allocate"):
                heaps[name].allocate(2**40, allow_oversized=True)


def test_conformance_asks_for_too_much_in_a_child_that_is_killed_first(heaps):
    named = "alloc.len.too_large"
    (row,) = conformance.run(
        heaps, "system", checks=named, dangerous=True, progress=False
    )
    assert (row.answer, row.verdict) == ("killed by SIGKILL", "ok")
