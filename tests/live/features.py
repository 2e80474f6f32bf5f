# SPDX-License-Identifier: MIT
"""What a kernel may offer a test: how it is found out, and who offers it in the rig.

A test of the guest that needs one is marked ``@pytest.mark.needs("a CMA heap")``. It
is skipped where the running kernel has none, and the host accepts no other skip than
what this table leads to expect.
"""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import struct
from pathlib import Path

SYS = Path("/sys")
EXPORT_SYNC_FILE = 0xC0086202  # DMA_BUF_IOCTL_EXPORT_SYNC_FILE, linux/dma-buf.h


def _network() -> bool:
    try:
        socket.create_server(("127.0.0.1", 0)).close()
    except OSError:
        return False
    return True


def _sync_files() -> bool:
    """Whether a buffer knows the ioctl, asked of one."""
    from heapkit.backends import live

    if live.missing():
        return False
    with live.live() as heaps, heaps["system"].allocate(4096) as buffer:
        argument = bytearray(struct.pack("=Ii", 1, -1))  # DMA_BUF_SYNC_READ
        try:
            fcntl.ioctl(buffer.fileno(), EXPORT_SYNC_FILE, argument)
        except OSError as error:
            if error.errno != errno.ENOTTY:
                raise
            return False
        os.close(struct.unpack("=Ii", argument)[1])
    return True


PROBES = {
    "a system heap": Path("/dev/dma_heap/system").exists,
    "a CMA heap": lambda: len(list(Path("/dev/dma_heap").glob("*"))) > 1,
    "udmabuf": Path("/dev/udmabuf").exists,
    "sync files": _sync_files,
    "bufinfo": (SYS / "kernel/debug/dma_buf/bufinfo").exists,
    "dma-buf statistics in sysfs": (SYS / "kernel/dmabuf/buffers").exists,
    "CMA debugfs": (SYS / "kernel/debug/cma").exists,
    "CMA sysfs": (SYS / "kernel/mm/cma").exists,
    "kmem events": (SYS / "kernel/tracing/events/kmem/mm_page_alloc").exists,
    "CMA events": (SYS / "kernel/tracing/events/cma").exists,
    "transparent huge pages": (SYS / "kernel/mm/transparent_hugepage").exists,
    "a network": _network,
}

OFFERED = {
    "stock": {
        *("a system heap", "udmabuf", "bufinfo", "kmem events"),
        *("transparent huge pages", "a network"),
    },
    "cma": {
        *("a system heap", "a CMA heap", "udmabuf", "sync files", "bufinfo"),
        *("dma-buf statistics in sysfs", "CMA debugfs", "CMA sysfs"),
        *("kmem events", "CMA events"),
    },
}


def reason(feature: str) -> str:
    """Why a test was skipped."""
    return f"the running kernel does not offer {feature}"


def expected_reasons(kernel: str) -> set[str]:
    """Those with which a test may be skipped in a guest."""
    return {reason(feature) for feature in PROBES if feature not in OFFERED[kernel]}
