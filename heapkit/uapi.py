# SPDX-License-Identifier: MIT
"""<linux/dma-heap.h> and <linux/dma-buf.h> as the C compiler read them.

Every number here is asked of the compiler that built the core; none is typed a
second time. ``tests/native/test_uapi.py`` compares them with the headers.
"""

from __future__ import annotations

import os
from enum import IntFlag
from typing import Final

from heapkit import _ffi
from heapkit._ffi import KernelStruct, allocation_data, sync_data

__all__ = [
    "DEFAULT_FD_FLAGS",
    "DMA_BUF_IOCTL_SYNC",
    "DMA_BUF_NAME_LEN",
    "DMA_BUF_SET_NAME_B",
    "DMA_HEAP_IOCTL_ALLOC",
    "DMA_HEAP_VALID_FD_FLAGS",
    "DMA_HEAP_VALID_HEAP_FLAGS",
    "KernelStruct",
    "Sync",
    "allocation_data",
    "sync_data",
]

DMA_HEAP_IOCTL_ALLOC: Final = _ffi.uapi_constant("DMA_HEAP_IOCTL_ALLOC")
DMA_HEAP_VALID_FD_FLAGS: Final = _ffi.uapi_constant("DMA_HEAP_VALID_FD_FLAGS")
DMA_HEAP_VALID_HEAP_FLAGS: Final = _ffi.uapi_constant("DMA_HEAP_VALID_HEAP_FLAGS")
DMA_BUF_IOCTL_SYNC: Final = _ffi.uapi_constant("DMA_BUF_IOCTL_SYNC")
DMA_BUF_SET_NAME_B: Final = _ffi.uapi_constant("DMA_BUF_SET_NAME_B")
DMA_BUF_NAME_LEN: Final = _ffi.uapi_constant("DMA_BUF_NAME_LEN")
# What a client of a heap asks for: a descriptor to read and write, its own alone.
DEFAULT_FD_FLAGS: Final = os.O_RDWR | os.O_CLOEXEC


class Sync(IntFlag):
    """Flags of DMA_BUF_IOCTL_SYNC; START is the absence of END."""

    START = _ffi.uapi_constant("DMA_BUF_SYNC_START")
    READ = _ffi.uapi_constant("DMA_BUF_SYNC_READ")
    WRITE = _ffi.uapi_constant("DMA_BUF_SYNC_WRITE")
    RW = _ffi.uapi_constant("DMA_BUF_SYNC_RW")
    END = _ffi.uapi_constant("DMA_BUF_SYNC_END")
