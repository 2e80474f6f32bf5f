# SPDX-License-Identifier: MIT
"""ioctls and their structs, as a C program would write them."""

from __future__ import annotations

import os
import struct

from heapkit import ioctls, uapi

ALLOC = uapi.DMA_HEAP_IOCTL_ALLOC
SYNC = uapi.DMA_BUF_IOCTL_SYNC
SET_NAMES = (uapi.DMA_BUF_SET_NAME_B, ioctls.DMA_BUF_SET_NAME_A)
EXPORT = ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE
IMPORT = ioctls.DMA_BUF_IOCTL_IMPORT_SYNC_FILE
RW = os.O_RDWR | os.O_CLOEXEC


def request_of(*, size=4096, fd=0, fd_flags=RW, heap_flags=0, room=24):
    """A struct dma_heap_allocation_data, cut or followed by others' bytes."""
    packed = struct.pack("=QIIQ", size, fd, fd_flags, heap_flags)
    return bytearray((packed + b"\xaa" * room)[:room])


def sync(flags):
    return bytearray(struct.pack("=Q", flags))


def sync_file(flags, fd=-1):
    return bytearray(struct.pack("=Ii", flags, fd))


def fd_in(argument):
    return struct.unpack_from("=I", argument, 8)[0]


def sized(command, size):
    """``command`` as if its struct had ``size`` bytes."""
    return command & ~(0x3FFF << 16) | size << 16


def directed(command, direction):
    return command & ~(3 << 30) | direction << 30


def error_of(call, *arguments, **named):
    """The errno, 0 where the call succeeds."""
    try:
        call(*arguments, **named)
    except OSError as error:
        return error.errno
    return 0
