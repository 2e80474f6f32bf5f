# SPDX-License-Identifier: MIT
"""What this process has open, and what the kernel has of dma-bufs."""

from __future__ import annotations

import os
import resource
from contextlib import contextmanager
from pathlib import Path

import heapkit as hk
from tests.conftest import skip_or_fail

BUFINFO = Path("/sys/kernel/debug/dma_buf/bufinfo")
DESCRIPTORS = Path("/proc/self/fd")


def numbers():
    """The open descriptors, without the one of the listing."""
    found = {int(entry.name) for entry in DESCRIPTORS.iterdir()}
    return {fd for fd in found if os.path.lexists(DESCRIPTORS / str(fd))}


def bufinfo():
    if not BUFINFO.exists():
        skip_or_fail("debugfs is not mounted, or this is not root")
    return hk.read(BUFINFO)


def held():
    """How many descriptors this process has, and how many dma-bufs the kernel."""
    return len(numbers()), len(bufinfo().buffers)


@contextmanager
def few_numbers(spare):
    """No more than ``spare`` descriptors can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    fill = [os.open("/", os.O_RDONLY) for _ in range(max(numbers()))]
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(fill) + 1 + spare, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for fd in fill:
            os.close(fd)
