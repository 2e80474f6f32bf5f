# SPDX-License-Identifier: MIT
"""A device that hands out buffers, as a file: the kernel answers."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from heapkit import ioctls
from heapkit.backends.descriptor import Descriptor, ready, refused
from heapkit.backends.live import user_memory
from heapkit.backends.live.buffer import LiveBuf
from heapkit.backends.live.keeper import Keeper, keep_open
from heapkit.ioctls import Argument


class HeapFile(Descriptor):
    """A device node, held open."""

    def __init__(self, node: Path) -> None:
        self._name = node.name
        self._keeper = Keeper(node.name)
        super().__init__(_opened(node))
        keep_open(self)

    @property
    def name(self) -> str:
        """The name of the device node."""
        return self._name

    def adopt(self, fd: int) -> LiveBuf:
        """The dma-buf ``fd``, for instance of an :meth:`ioctl`, closed with the heap.

        ``OSError``: EBADF for what is not open, EINVAL for another kind of file,
        EBUSY for one that heapkit closes already. The descriptor is then still the
        caller's.
        """
        self.fileno()
        return LiveBuf.adopted(fd, self._keeper)

    def ioctl(self, cmd: int, arg: Argument = None) -> int:
        """What the kernel returns: 0 for an allocation; ``arg`` holds the answer.

        The kernel sees ``arg`` as it is: None is a NULL pointer, what is too short or
        cannot be written is ``OSError(EFAULT)``. The number in the answer is a
        descriptor that nobody owns yet: :meth:`adopt` it. Where the answer has no
        place for it, it stays open until the process ends, as in any program.
        """
        command = ioctls.command_of(self._name, cmd)
        what = f"{self._name}: ioctl {command:#010x}"
        argument = ioctls.bytes_of(self._name, arg)
        return user_memory.call(self.fileno(), command, argument, what)

    def read(self, size: int = 0, /) -> bytes:
        """EINVAL: the device has no such operation."""
        fd = self.fileno()
        with refused(f"{self._name}: read from a heap"):
            return os.read(fd, size)

    def write(self, data: bytes = b"", /) -> int:
        """EINVAL, or EBADF where the node may only be read."""
        fd = self.fileno()
        with refused(f"{self._name}: write to a heap"):
            return os.write(fd, data)

    def lseek(self, offset: int = 0, whence: int = os.SEEK_SET, /) -> int:
        """ESPIPE: there is no position to change."""
        fd = self.fileno()
        with refused(f"{self._name}: lseek in a heap"):
            return os.lseek(fd, offset, whence)

    def mmap(self) -> memoryview:
        """ENODEV: a heap is not memory, its buffers are."""
        fd = self.fileno()
        with refused(f"{self._name}: mmap of a heap"):
            return memoryview(mmap.mmap(fd, mmap.PAGESIZE, prot=mmap.PROT_READ))

    def poll(self) -> int:
        """POLLIN and POLLOUT, as every file without an opinion."""
        return ready(self.fileno())

    def close(self) -> None:
        """Close the heap and every buffer that came from it."""
        self._keeper.close()
        super().close()

    def __del__(self) -> None:
        # Not its buffers: they can do without the heap.
        super().close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"


def _opened(node: Path) -> int:
    """For reading and writing, or for reading, which is enough to allocate.

    The kernel never looks at how a heap was opened, and its nodes are often given to
    a group for reading.
    """
    try:
        return os.open(node, os.O_RDWR | os.O_CLOEXEC)
    except PermissionError:
        return os.open(node, os.O_RDONLY | os.O_CLOEXEC)
