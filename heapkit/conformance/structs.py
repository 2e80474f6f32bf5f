# SPDX-License-Identifier: MIT
"""The structs of the ioctls as bytes, right and wrong ones."""

from __future__ import annotations

import os
import struct
from typing import Final

from heapkit import ioctls, uapi

ALLOC: Final = uapi.DMA_HEAP_IOCTL_ALLOC
SYNC: Final = uapi.DMA_BUF_IOCTL_SYNC
RDWR: Final = os.O_RDWR | os.O_CLOEXEC
PAGE: Final = 4096
ALLOCATION: Final = struct.Struct("=QIIQ")  # struct dma_heap_allocation_data
TAIL: Final = b"\xaa"  # what a longer struct holds behind it


def request_of(
    *,
    size: int = PAGE,
    fd: int = 0,
    fd_flags: int = RDWR,
    heap_flags: int = 0,
    room: int = ALLOCATION.size,
) -> bytearray:
    """ALLOC's struct in ``room`` bytes: cut short, or with garbage behind it."""
    full = ALLOCATION.pack(size, fd, fd_flags, heap_flags)
    return bytearray(full.ljust(room, TAIL))[:room]


def fd_in(argument: bytearray) -> int:
    """The descriptor in ALLOC's answer."""
    return int(ALLOCATION.unpack_from(argument.ljust(ALLOCATION.size, b"\0"))[1])


def size_in(argument: bytearray) -> int:
    """The length in ALLOC's answer."""
    return int(ALLOCATION.unpack_from(argument)[0])


def sized(command: int, size: int) -> int:
    """``command`` as if its struct had ``size`` bytes."""
    direction = ioctls.direction_of(command)
    return ioctls.number(direction, _kind(command), ioctls.nr_of(command), size)


def directed(command: int, direction: int) -> int:
    """``command`` as if it copied in that direction."""
    nr, size = ioctls.nr_of(command), ioctls.size_of(command)
    return ioctls.number(direction, _kind(command), nr, size)


def typed(command: int, kind: str) -> int:
    """``command`` as if it were of another type."""
    nr, size = ioctls.nr_of(command), ioctls.size_of(command)
    return ioctls.number(ioctls.direction_of(command), kind, nr, size)


def _kind(command: int) -> str:
    return chr(command >> ioctls.NR_BITS & 0xFF)


def sync(flags: int) -> bytearray:
    """SYNC's struct."""
    return bytearray(struct.pack("=Q", flags))
