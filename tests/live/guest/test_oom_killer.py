# SPDX-License-Identifier: MIT
"""Why heapkit refuses an oversized request itself. For a guest that can be lost."""

from __future__ import annotations

import signal
import subprocess
import sys

from heapkit import MiB

ASK = """
from pathlib import Path
from heapkit.backends import live
Path("/proc/self/oom_score_adj").write_text("1000")
live.live()["system"].allocate(2**40, allow_oversized=True)
"""


def test_the_system_heap_compares_the_size_with_nothing(heaps):
    child = subprocess.run([sys.executable, "-c", ASK], check=False)
    assert child.returncode == -signal.SIGKILL
    with heaps["system"].allocate(1 * MiB) as after:
        assert after.size == 1 * MiB
