# SPDX-License-Identifier: MIT
"""ioctl(2) with an argument of any length, as a C program would call it.

fcntl.ioctl() of Python 3.11 copies what it is given into a buffer of its own, so a
struct that is too short never faults, and it takes no 64-bit address. Here a copy of
the argument ends where a page without access begins, in a page that cannot be written
if the object cannot: the kernel finds what it would find in the caller's memory, and
says EFAULT itself.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import mmap
from typing import Final

from heapkit.errors import refusal

PROT_NONE: Final = 0  # the mmap module does not name it


@functools.cache
def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ioctl.argtypes = (ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return libc


def call(fd: int, command: int, argument: memoryview | None, what: str) -> int:
    """What ioctl(2) returns, 0 or more; ``OSError`` with the kernel's errno.

    ``argument`` holds what the kernel wrote, also where the call failed; None is a
    NULL pointer.
    """
    if argument is None:
        return _retried(fd, command, 0, what)
    pages = -(-argument.nbytes // mmap.PAGESIZE)
    end = pages * mmap.PAGESIZE
    room = mmap.mmap(
        -1, end + mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    )
    start = ctypes.addressof(ctypes.c_char.from_buffer(room))
    begin = end - argument.nbytes
    room[begin:end] = bytes(argument)
    if argument.readonly:
        _protect(start, end, mmap.PROT_READ)
    _protect(start + end, mmap.PAGESIZE, PROT_NONE)
    try:
        return _retried(fd, command, start + begin, what)
    finally:
        if not argument.readonly:
            argument[:] = room[begin:end]


def _protect(address: int, length: int, prot: int) -> None:
    if length and _libc().mprotect(address, length, prot):
        raise refusal(ctypes.get_errno(), f"mprotect {length} bytes")


def _retried(fd: int, command: int, address: int, what: str) -> int:
    while True:
        done = int(_libc().ioctl(fd, command, address))
        if done >= 0:
            return done
        code = ctypes.get_errno()
        if code not in (errno.EINTR, errno.EAGAIN):
            raise refusal(code, what)
