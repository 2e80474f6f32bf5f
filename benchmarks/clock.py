# SPDX-License-Identifier: MIT
"""CPU time, which other programs do not take part in, and one core for it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def cpu_ns(work: Callable[[], object]) -> int:
    """CPU time of this thread in one call."""
    start = time.thread_time_ns()
    work()
    return time.thread_time_ns() - start


@contextmanager
def one_core() -> Iterator[None]:
    """Stay on the last of our cores, and let what we start stay there."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
