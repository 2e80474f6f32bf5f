# SPDX-License-Identifier: MIT
"""The kernel's own ABI, for uapi.py and backends/live; the other compiled files."""

from __future__ import annotations

from pathlib import Path

from heapkit import _native
from heapkit._native import ffi, lib


def uapi_constant(name: str) -> int:
    """A constant of <linux/dma-heap.h> or <linux/dma-buf.h>, from the compiler."""
    if not name.startswith(("DMA_HEAP_", "DMA_BUF_")):
        raise ValueError(f"name: {name!r} is no DMA_HEAP_… or DMA_BUF_… constant")
    return int(getattr(lib, name))


def compiled_file(name: str) -> Path | None:
    """A file that was built and installed with the core; None if it was not."""
    path = Path(_native.__file__).with_name(name)
    return path if path.exists() else None


class KernelStruct:
    """A struct for ``fcntl.ioctl``: pass :attr:`buffer`, then read the fields."""

    def __init__(self, struct: str, **fields: int) -> None:
        self._data = ffi.new(f"struct {struct} *", fields)
        self.buffer = memoryview(ffi.buffer(self._data))

    def __getitem__(self, field: str) -> int:
        return int(getattr(self._data, field))


def allocation_data(**fields: int) -> KernelStruct:
    """A ``struct dma_heap_allocation_data``: len, fd, fd_flags, heap_flags."""
    return KernelStruct("dma_heap_allocation_data", **fields)


def sync_data(flags: int) -> KernelStruct:
    """A ``struct dma_buf_sync``."""
    return KernelStruct("dma_buf_sync", flags=flags)
