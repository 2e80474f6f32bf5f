# SPDX-License-Identifier: MIT
"""A dma-buf's file operations: the kernel answers."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import select
import time
from abc import abstractmethod
from mmap import PAGESIZE
from typing import Final

from heapkit import arguments, ioctls, uapi
from heapkit.backends.descriptor import Descriptor, ready, refused
from heapkit.backends.live import user_memory
from heapkit.backends.mmap_request import READ_WRITE, request
from heapkit.errors import refusal
from heapkit.ioctls import Argument

# What may be waited for before reading and before writing: drivers/dma-buf/dma-buf.c.
WAITED_FOR: Final = {"r": select.POLLIN, "w": select.POLLOUT, "rw": select.POLLOUT}
SET_NAMES: Final = {uapi.DMA_BUF_SET_NAME_B, ioctls.DMA_BUF_SET_NAME_A}
_MOST: Final = 2**63 - 1  # of an off_t and of a Python mapping


class BufferFile(Descriptor):
    """What read(2) and the others do to a dma-buf; :class:`LiveBuf` has them."""

    _size: int

    @property
    @abstractmethod
    def _owner(self) -> str:
        """Whom a message names."""

    @property
    def ino(self) -> int:
        """The inode's number: one for each buffer, counted by the kernel from 1."""
        return os.fstat(self.fileno()).st_ino

    @property
    def fd_flags(self) -> int:
        """The access mode of the buffer's one file: fcntl(F_GETFL) & O_ACCMODE."""
        return fcntl.fcntl(self.fileno(), fcntl.F_GETFL) & os.O_ACCMODE

    @property
    def close_on_exec(self) -> bool:
        """FD_CLOEXEC of this descriptor."""
        return not os.get_inheritable(self.fileno())

    def ioctl(self, cmd: int, arg: Argument = None) -> int:
        """What the kernel returns, or ``OSError`` with its errno.

        ``arg`` is the struct, for SET_NAME the string, whose end is taken for its NUL.
        None is a NULL pointer; what is too short or cannot be written is EFAULT.
        """
        command = ioctls.command_of(self._owner, cmd)
        argument = ioctls.bytes_of(self._owner, arg)
        if argument is not None and command in SET_NAMES:
            argument = memoryview(bytes(argument) + b"\0")
        what = f"{self._owner}: ioctl {command:#010x} of a buffer"
        return user_memory.call(self.fileno(), command, argument, what)

    def mmap(
        self,
        *,
        length: int | None = None,
        flags: int = mmap.MAP_SHARED,
        prot: int = READ_WRITE,
        offset: int = 0,
    ) -> memoryview:
        """The buffer, shared and writable, or a part of it.

        The arguments are those of Python's own ``mmap.mmap``, None is the whole
        buffer. The mapping is a reference of its own, as in the kernel: it outlives
        :meth:`close` and ends with the last view of it. ``OSError`` as the kernel has
        it: EINVAL for what is not in the buffer, and where the exporter allows no CPU
        access; EACCES for what the file's access mode does not allow.
        """
        fd, what = self.fileno(), f"mmap {self!r}"
        size = self._size if length is None else length
        asked = request(self._owner, size, flags, prot, offset)
        # Python takes length 0 for all of a file, and cannot say what is larger.
        if not asked.length or max(asked.length, asked.offset) > _MOST:
            raise refusal(errno.EINVAL, what)
        with refused(what):
            mapped = mmap.mmap(
                fd,
                asked.length,
                flags=asked.flags,
                prot=asked.prot,
                offset=asked.offset,
            )
        return memoryview(mapped)

    def lseek(self, offset: int = 0, whence: int = os.SEEK_SET, /) -> int:
        """How large the buffer is (SEEK_END), or 0; anything else is EINVAL."""
        fd = self.fileno()
        where = arguments.integer(
            self._owner, "offset", offset, low=-(2**63), high=_MOST
        )
        with refused(f"{self._owner}: lseek to {where}, whence {whence}"):
            return os.lseek(fd, where, whence)

    def read(self, size: int = 0, /) -> bytes:
        """EINVAL: a buffer is mapped, not read."""
        fd = self.fileno()
        with refused(f"{self._owner}: read from a buffer"):
            return os.read(fd, size)

    def write(self, data: bytes = b"", /) -> int:
        """EINVAL: a buffer is mapped, not written."""
        fd = self.fileno()
        with refused(f"{self._owner}: write to a buffer"):
            return os.write(fd, data)

    def truncate(self, size: int = 0, /) -> None:
        """EINVAL: a buffer has its size for good."""
        fd = self.fileno()
        with refused(f"{self._owner}: ftruncate of a buffer"):
            os.ftruncate(fd, size)

    def fallocate(self, size: int = PAGESIZE, /) -> None:
        """ENODEV: a buffer has its size for good."""
        fd = self.fileno()
        with refused(f"{self._owner}: fallocate of a buffer"):
            os.posix_fallocate(fd, 0, size)

    def poll(self) -> int:
        """POLLIN once the last writer is done, POLLOUT once everybody is."""
        return ready(self.fileno())

    def wait(self, access: str = "rw") -> int:
        """poll(2) without a timeout; returns the ns waited."""
        events = WAITED_FOR[
            arguments.choice(self._owner, "access", access, tuple(WAITED_FOR))
        ]
        fd, start = self.fileno(), time.monotonic_ns()
        ready(fd, events, timeout_ms=None)
        return time.monotonic_ns() - start
