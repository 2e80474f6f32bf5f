# SPDX-License-Identifier: MIT
"""Why heapkit refuses an oversized request itself. For a guest that can be lost."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from heapkit import MiB


def ask_for_too_much(heap):
    """In a child that the OOM killer is to prefer: the way it ended."""
    child = os.fork()
    if child == 0:
        Path("/proc/self/oom_score_adj").write_text("1000")
        heap.allocate(2**40, allow_oversized=True)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_the_system_heap_compares_the_size_with_nothing(heaps):
    assert ask_for_too_much(heaps["system"]) == -signal.SIGKILL
    with heaps["system"].allocate(1 * MiB) as after:
        assert after.size == 1 * MiB
