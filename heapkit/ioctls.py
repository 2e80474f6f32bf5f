# SPDX-License-Identifier: MIT
"""How an ioctl's number is made of direction, size, type and nr, and taken apart.

asm-generic/ioctl.h, as x86-64, arm64 and most others have it: two bits of direction,
fourteen of size, eight of type, eight of nr. What the kernel's headers of the build
machine have is in :mod:`heapkit.uapi`; the numbers here are those that they may lack.
"""

from __future__ import annotations

import struct
from typing import Final, TypeAlias

from heapkit import arguments

# What a program points at: None is a NULL pointer, read-only bytes can be read and not
# written, and what is longer than the object is not there.
Argument: TypeAlias = bytearray | memoryview | bytes | None

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


def command_of(owner: str, command: object) -> int:
    """The 32 bits of an ioctl's number."""
    return arguments.integer(owner, "cmd", command, high=2**32 - 1)


def bytes_of(owner: str, argument: object) -> memoryview | None:
    """What ``argument`` refers to, byte by byte; ``ValueError`` for anything else."""
    if argument is None:
        return None
    try:
        return memoryview(argument).cast("B")  # type: ignore[arg-type]
    except TypeError:
        allowed = "bytes, a bytearray, a contiguous memoryview, or None for NULL"
        raise arguments.wrong(owner, "arg", argument, allowed) from None


# include/uapi/linux/dma-buf.h. SET_NAME_A is what 32-bit programs before 5.8 sent;
# the sync-file pair came with 6.0, newer than some sysroots.
DMA_BUF_SET_NAME_A: Final = number(WRITE, "b", 1, 4)
DMA_BUF_IOCTL_EXPORT_SYNC_FILE: Final = number(READ | WRITE, "b", 2, 8)
DMA_BUF_IOCTL_IMPORT_SYNC_FILE: Final = number(WRITE, "b", 3, 8)
# Not in mainline: {__u64 flags; __u32 offset; __u32 len;}, proposed to linux-media in
# 2024 and in the vendors' kernels. Same nr as EXPORT_SYNC_FILE.
DMA_BUF_IOCTL_SYNC_PARTIAL: Final = number(WRITE, "b", 2, 16)

SYNC_FILE_DATA: Final = struct.Struct(
    "=Ii"
)  # struct dma_buf_export_sync_file: flags, fd

# include/uapi/linux/udmabuf.h: {__u32 memfd, flags; __u64 offset, size;}, and
# {__u32 flags, count;} followed by as many {__u32 memfd, __pad; __u64 offset, size;}.
UDMABUF_CREATE: Final = number(WRITE, "u", 0x42, 24)
UDMABUF_CREATE_LIST: Final = number(WRITE, "u", 0x43, 8)
UDMABUF_CREATE_DATA: Final = struct.Struct("=IIQQ")
UDMABUF_FLAGS_CLOEXEC: Final = 1
