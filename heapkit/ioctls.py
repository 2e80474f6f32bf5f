# SPDX-License-Identifier: MIT
"""How an ioctl's number is made of direction, size, type and nr, and taken apart.

asm-generic/ioctl.h, as x86-64, arm64 and most others have it: two bits of direction,
fourteen of size, eight of type, eight of nr. What the kernel's headers of the build
machine have is in :mod:`heapkit.uapi`; the numbers here are those that they may lack.
"""

from __future__ import annotations

from typing import Final

NR_BITS, TYPE_BITS, SIZE_BITS = 8, 8, 14
# From the program's side: what the kernel reads is written.
NONE, WRITE, READ = 0, 1, 2


def number(direction: int, kind: str, nr: int, size: int) -> int:
    """_IOC(): ``number(READ | WRITE, "H", 0, 24)`` is DMA_HEAP_IOCTL_ALLOC."""
    upper = direction << SIZE_BITS | size
    return (upper << TYPE_BITS | ord(kind)) << NR_BITS | nr


def nr_of(command: int) -> int:
    """_IOC_NR()."""
    return command & ((1 << NR_BITS) - 1)


def size_of(command: int) -> int:
    """_IOC_SIZE()."""
    return command >> (NR_BITS + TYPE_BITS) & ((1 << SIZE_BITS) - 1)


def direction_of(command: int) -> int:
    """_IOC_DIR()."""
    return command >> (NR_BITS + TYPE_BITS + SIZE_BITS)


# include/uapi/linux/dma-buf.h. SET_NAME_A is what 32-bit programs before 5.8 sent;
# the sync-file pair came with 6.0, newer than some sysroots.
DMA_BUF_SET_NAME_A: Final = number(WRITE, "b", 1, 4)
DMA_BUF_IOCTL_EXPORT_SYNC_FILE: Final = number(READ | WRITE, "b", 2, 8)
DMA_BUF_IOCTL_IMPORT_SYNC_FILE: Final = number(WRITE, "b", 3, 8)
# Not in mainline: {__u64 flags; __u32 offset; __u32 len;}, proposed to linux-media in
# 2024 and in the vendors' kernels. Same nr as EXPORT_SYNC_FILE.
DMA_BUF_IOCTL_SYNC_PARTIAL: Final = number(WRITE, "b", 2, 16)
