# SPDX-License-Identifier: MIT
"""A heap as a file: drivers/dma-buf/dma-heap.c."""

from __future__ import annotations

import errno
import os
import struct
from abc import abstractmethod
from typing import Final, NoReturn, Protocol

from heapkit import arguments, ioctls, uapi
from heapkit.backends.sim_files.fences import POLLIN, POLLOUT
from heapkit.backends.sim_files.memory import copy_from_user, copy_to_user
from heapkit.errors import refusal
from heapkit.ioctls import Argument
from heapkit.uapi import DEFAULT_FD_FLAGS

_ALLOCATION: Final = struct.Struct("=QIIQ")  # struct dma_heap_allocation_data
_FD_AT: Final = 8


class _Numbered(Protocol):
    @property
    def fd(self) -> int: ...

    def close(self) -> None: ...


class HeapFile:
    """What open("…/dma_heap/NAME") gives, as far as a program can tell."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The heap's."""

    @abstractmethod
    def allocate(
        self, size: int, *, heap_flags: int = 0, fd_flags: int = DEFAULT_FD_FLAGS
    ) -> _Numbered:
        """A buffer."""

    def ioctl(self, cmd: int, arg: Argument = None) -> int:
        """Kernel: dma_heap_ioctl(). Returns 0, or ``OSError`` with the kernel's errno.

        Only the number's nr selects: 0 is DMA_HEAP_IOCTL_ALLOC whatever its type
        says, any other is EINVAL. Its size and direction say how much of ``arg`` is
        read and written, so that shorter structs of older and longer ones of newer
        kernels work: what is not read is zero. An answer that cannot be written is
        EFAULT, and there is no buffer. Where it is written without the number, because
        the struct is too short or the command has no direction for it, the buffer
        stays open, and only the heaps' table of files knows it. So Linux 6.12.117 does;
        earlier ones copied the struct back after a failure too, and left a buffer open
        whose number could not be written.
        """
        command = ioctls.command_of(self.name, cmd)
        arg = ioctls.bytes_of(self.name, arg)
        if ioctls.nr_of(command) != ioctls.nr_of(uapi.DMA_HEAP_IOCTL_ALLOC):
            what = f"{self.name}: ioctl {command:#010x}, nr {ioctls.nr_of(command)}"
            raise refusal(errno.EINVAL, what)
        direction, size = ioctls.direction_of(command), ioctls.size_of(command)
        in_size = size if direction & ioctls.WRITE else 0
        out_size = size if direction & ioctls.READ else 0
        data = bytearray(max(in_size, out_size, _ALLOCATION.size))
        data[:in_size] = copy_from_user(self.name, arg, in_size)
        buffer = self._ioctl_allocate(data)
        try:
            copy_to_user(self.name, arg, bytes(data[:out_size]))
        except OSError:
            buffer.close()
            raise
        return 0

    def _ioctl_allocate(self, data: bytearray) -> _Numbered:
        size, fd, fd_flags, heap_flags = _ALLOCATION.unpack_from(data)
        if fd:
            raise refusal(errno.EINVAL, f"{self.name}: {size} bytes, fd={fd}")
        buffer = self.allocate(size, heap_flags=heap_flags, fd_flags=fd_flags)
        try:
            number = buffer.fd
        except OSError:
            buffer.close()
            raise
        struct.pack_into("=I", data, _FD_AT, number)
        return buffer

    def read(self, _size: int = 0, /) -> NoReturn:
        """EINVAL: the heap has no such operation."""
        raise refusal(errno.EINVAL, f"{self.name}: read from a heap")

    def write(self, _data: bytes = b"", /) -> NoReturn:
        """EINVAL: the heap has no such operation."""
        raise refusal(errno.EINVAL, f"{self.name}: write to a heap")

    def lseek(self, _offset: int = 0, _whence: int = os.SEEK_SET, /) -> NoReturn:
        """ESPIPE: there is no position to change."""
        raise refusal(errno.ESPIPE, f"{self.name}: lseek in a heap")

    def mmap(self) -> NoReturn:
        """ENODEV: a heap is not memory, its buffers are."""
        raise refusal(errno.ENODEV, f"{self.name}: mmap of a heap")

    def poll(self) -> int:
        """POLLIN and POLLOUT, as every file without an opinion."""
        return POLLIN | POLLOUT


def checked_fd_flags(owner: str, fd_flags: object) -> int:
    """``fd_flags`` of 32 bits; ``OSError(EINVAL)`` for one the kernel refuses."""
    flags = arguments.integer(owner, "fd_flags", fd_flags, high=2**32 - 1)
    if flags & ~uapi.DMA_HEAP_VALID_FD_FLAGS:
        raise refusal(errno.EINVAL, f"{owner}: fd_flags={flags:#x}")
    return flags
