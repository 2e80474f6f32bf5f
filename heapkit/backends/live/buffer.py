# SPDX-License-Identifier: MIT
"""A dma-buf of the running kernel: a file descriptor."""

from __future__ import annotations

import errno
import os
import socket
import warnings
from typing import Final, Self

from heapkit import arguments, ioctls, uapi
from heapkit.backends.descriptor import ioctl, refused
from heapkit.backends.live import identity, passing
from heapkit.backends.live.buffer_file import BufferFile
from heapkit.backends.live.keeper import Keeper, owner_of
from heapkit.backends.live.sync_file import LiveSyncFile
from heapkit.errors import refusal
from heapkit.ioctls import SYNC_FILE_DATA
from heapkit.units import format_bytes

ACCESS: Final = {"r": uapi.Sync.READ, "w": uapi.Sync.WRITE, "rw": uapi.Sync.RW}


class LiveBuf(BufferFile):
    """A dma-buf file descriptor; satisfies :class:`heapkit.interface.DmaBuf`."""

    def __init__(self, fd: int, keeper: Keeper) -> None:
        with refused(f"{keeper.name}: fd {fd}"):
            self._size = os.lseek(fd, 0, os.SEEK_END)
        super().__init__(fd)
        self._keeper, self._process = keeper, os.getpid()
        keeper.keep(self)

    @classmethod
    def owning(cls, fd: int, keeper: Keeper) -> Self:
        """The buffer of a new descriptor, which is closed if it cannot be made."""
        try:
            return cls(fd, keeper)
        except BaseException:
            os.close(fd)
            raise

    @classmethod
    def adopted(cls, fd: int, keeper: Keeper) -> Self:
        """The buffer of somebody's descriptor, once it is known to be one."""
        fd = arguments.integer(keeper.name, "fd", fd, low=-(2**31), high=2**31 - 1)
        with refused(f"{keeper.name}: fd {fd} is no dma-buf"):
            identity.exporter(fd)
        if owner := owner_of(fd):
            raise refusal(errno.EBUSY, f"{keeper.name}: fd {fd} belongs to {owner!r}")
        return cls(fd, keeper)

    @property
    def _owner(self) -> str:
        return self._keeper.name

    @property
    def size(self) -> int:
        """Bytes, a whole number of pages: where the file ends."""
        self.fileno()
        return self._size

    @property
    def exp_name(self) -> str:
        """The exporter, as /proc/self/fdinfo says it."""
        return identity.exporter(self.fileno())

    @property
    def name(self) -> str:
        """As last set by any process that shares the buffer; empty at first."""
        return identity.link(self.fileno()).removeprefix("/dmabuf:")

    def set_name(self, name: str) -> None:
        """DMA_BUF_SET_NAME: at most 31 bytes, or ``OSError(EINVAL)``."""
        fd = self.fileno()
        if not isinstance(name, str) or "\0" in name:
            raise arguments.wrong(self._owner, "name", name, "text without NUL")
        # The argument is the string itself; one byte too many is as good as ten.
        argument = os.fsencode(name)[: uapi.DMA_BUF_NAME_LEN] + b"\0"
        ioctl(fd, uapi.DMA_BUF_SET_NAME_B, argument, f"name {name!r}")

    def begin_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with START: ``access`` is "r", "w" or "rw".

        Linux maintains whole buffers: a part of one is ``OSError(EOPNOTSUPP)``,
        and what is not in it ``OSError(EINVAL)``.
        """
        self._sync(uapi.Sync.START, access, offset, length)

    def end_cpu_access(
        self, access: str = "rw", *, offset: int = 0, length: int | None = None
    ) -> None:
        """DMA_BUF_IOCTL_SYNC with END; otherwise as :meth:`begin_cpu_access`."""
        self._sync(uapi.Sync.END, access, offset, length)

    def _sync(
        self, edge: uapi.Sync, access: str, offset: int, length: int | None
    ) -> None:
        fd = self.fileno()
        flags = edge | _access(self._owner, access)
        self._refuse_part(offset, length)
        argument = uapi.sync_data(flags).buffer
        ioctl(fd, uapi.DMA_BUF_IOCTL_SYNC, argument, f"sync {access} {self!r}")

    def _refuse_part(self, offset: int, length: int | None) -> None:
        owner, size = self._owner, self._size
        offset = arguments.integer(owner, "offset", offset, high=2**63)
        if length is None:
            length = max(size - offset, 1)
        length = arguments.integer(owner, "length", length, low=1, high=2**63)
        what = f"{owner}: {length} bytes from {offset} on, of {size}"
        if offset + length > size:
            raise refusal(errno.EINVAL, what)
        if length < size:
            raise refusal(errno.EOPNOTSUPP, f"{what}: Linux maintains whole buffers")

    def export_sync_file(self, access: str = "rw") -> LiveSyncFile:
        """What one waits for before reading ("r") or writing: what is there now.

        ``OSError(ENOTTY)`` on a kernel without CONFIG_SYNC_FILE, as Debian's of clouds.
        """
        fd, flags = self.fileno(), _access(self._owner, access)
        request = bytearray(SYNC_FILE_DATA.pack(flags, -1))
        what = f"export of a sync file, {access}, of {self!r}"
        ioctl(fd, ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE, request, what)
        return LiveSyncFile(SYNC_FILE_DATA.unpack(request)[1], self._keeper)

    def import_sync_file(self, fence: LiveSyncFile, access: str = "rw") -> None:
        """The work behind ``fence`` uses the buffer: reads it, or writes it too."""
        fd, flags = self.fileno(), _access(self._owner, access)
        if not isinstance(fence, LiveSyncFile):
            allowed = "a sync file that a buffer exported"
            raise arguments.wrong(self._owner, "fence", fence, allowed)
        request = bytearray(SYNC_FILE_DATA.pack(flags, fence.fileno()))
        what = f"import of {fence!r}, {access}, into {self!r}"
        ioctl(fd, ioctls.DMA_BUF_IOCTL_IMPORT_SYNC_FILE, request, what)

    def dup(self) -> LiveBuf:
        """Another reference to the same buffer; it closes on exec."""
        fd = self.fileno()
        with refused(f"dup {self!r}"):
            other = os.dup(fd)
        return LiveBuf.owning(other, self._keeper)

    def send(self, sock: socket.socket) -> None:
        """Pass a reference to the process at the other end of a unix socket.

        The message is one byte with the descriptor as SCM_RIGHTS. It holds a reference
        of its own, so this one may be closed at once. :meth:`LiveHeaps.receive` takes
        it, or any program's recvmsg(2).
        """
        passing.send(self._owner, sock, self.fileno())

    def __del__(self) -> None:
        if self._fd >= 0:
            message = f"{self!r} was never closed"
            self.close()
            # What a forked child inherited is not the child's to account for.
            if self._process == os.getpid():
                warnings.warn(message, ResourceWarning, source=self, stacklevel=2)

    def __repr__(self) -> str:
        state = f"fd {self._fd}" if self._fd >= 0 else "closed"
        return f"<LiveBuf {self._owner} {format_bytes(self._size)}, {state}>"


def _access(owner: str, access: str) -> uapi.Sync:
    return ACCESS[arguments.choice(owner, "access", access, tuple(ACCESS))]
