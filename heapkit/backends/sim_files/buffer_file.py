# SPDX-License-Identifier: MIT
"""A buffer as a file: drivers/dma-buf/dma-buf.c."""

from __future__ import annotations

import errno
import mmap
import os
import struct
from abc import abstractmethod
from typing import Final, NoReturn

from heapkit import _ffi, arguments, ioctls, uapi
from heapkit._ffi import PAGE_SIZE
from heapkit.backends.mmap_request import READ_WRITE, Request, request
from heapkit.backends.sim_cell import Cell
from heapkit.backends.sim_files import mapping
from heapkit.backends.sim_files.fences import Fence, SyncFile
from heapkit.backends.sim_files.memory import (
    copy_from_user,
    copy_to_user,
    string_from_user,
)
from heapkit.backends.sim_files.table import NumberedFile
from heapkit.board import SecureHeap, UdmabufHeap
from heapkit.errors import refusal
from heapkit.ioctls import SYNC_FILE_DATA, Argument

_SYNC: Final = struct.Struct("=Q")  # struct dma_buf_sync
_SYNC_PARTIAL: Final = struct.Struct("=QII")
_VALID_SYNC: Final = uapi.Sync.RW | uapi.Sync.END
_ACCESS: Final = {uapi.Sync.READ: "r", uapi.Sync.WRITE: "w", uapi.Sync.RW: "rw"}
# Where a buffer's file can be put: no offset but its two ends.
_ENDS: Final = {os.SEEK_SET, os.SEEK_END}


class BufferFile(NumberedFile):
    """A dma-buf's file operations; :class:`heapkit.backends.sim.SimBuf` has them."""

    close_on_exec = True

    @abstractmethod
    def _open(self) -> Cell:
        """The buffer; ``OSError(EBADF)`` once closed."""

    @abstractmethod
    def _maintain(self, op: _ffi.Op, access: str, offset: int, length: int) -> None:
        """Begin or end CPU access, in the core's terms: length 0 is to the end."""

    @property
    def fd(self) -> int:
        """Its number in the heaps' table of files, given when first asked for."""
        return self._number_in(self._open().door.files)

    @property
    def ino(self) -> int:
        """The inode's number: counted from 1, one for each buffer, never again."""
        return self._open().ino

    @property
    def fd_flags(self) -> int:
        """fcntl(F_GETFL): the access mode of the buffer's one file."""
        return self._open().mode

    def ioctl(self, cmd: int, arg: Argument = None) -> int:
        """Kernel: dma_buf_ioctl(). Returns 0, or ``OSError`` with the kernel's errno.

        ``arg`` is the struct, for SET_NAME the string itself. Unlike a heap, a
        buffer compares the whole number: anything else is ENOTTY.
        """
        cell, owner = self._open(), self._open().heap.name
        command, arg = ioctls.command_of(owner, cmd), ioctls.bytes_of(owner, arg)
        handlers = {
            uapi.DMA_BUF_IOCTL_SYNC: self._ioctl_sync,
            uapi.DMA_BUF_SET_NAME_B: self._ioctl_set_name,
            ioctls.DMA_BUF_SET_NAME_A: self._ioctl_set_name,
        }
        if cell.door.options.sync_file:
            handlers[ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE] = self._ioctl_export
            handlers[ioctls.DMA_BUF_IOCTL_IMPORT_SYNC_FILE] = self._ioctl_import
        if cell.door.options.partial_sync != "mainline":
            handlers[ioctls.DMA_BUF_IOCTL_SYNC_PARTIAL] = self._ioctl_sync_partial
        if command not in handlers:
            raise refusal(errno.ENOTTY, f"{owner}: ioctl {command:#010x} of a buffer")
        handlers[command](owner, arg)
        return 0

    def _ioctl_sync(self, owner: str, arg: Argument) -> None:
        (flags,) = _SYNC.unpack(copy_from_user(owner, arg, _SYNC.size))
        access = _access(owner, flags, _VALID_SYNC)
        self._maintain(_edge(flags), access, 0, 0)

    def _ioctl_sync_partial(self, owner: str, arg: Argument) -> None:
        data = copy_from_user(owner, arg, _SYNC_PARTIAL.size)
        flags, offset, length = _SYNC_PARTIAL.unpack(data)
        access = _access(owner, flags, _VALID_SYNC)
        size = self._open().size
        if length > size or offset > size - length:
            what = f"{owner}: {length} bytes from {offset} on, of {size}"
            raise refusal(errno.EINVAL, what)
        self._need_partial_hook()
        # The core takes length 0 for all that follows: at the end that is nothing.
        self._maintain(_edge(flags), access, offset if length else size, length)

    def _need_partial_hook(self) -> None:
        """EOPNOTSUPP where the exporter has no …_cpu_access_partial()."""
        cell = self._open()
        hookless = isinstance(cell.heap, (SecureHeap, UdmabufHeap))
        if hookless or cell.door.options.partial_sync != "vendor":
            what = f"{cell.heap.name}: maintains whole buffers only"
            raise refusal(errno.EOPNOTSUPP, what)

    def _ioctl_set_name(self, owner: str, arg: Argument) -> None:
        cell = self._open()
        cell.name = string_from_user(owner, arg, uapi.DMA_BUF_NAME_LEN)

    def _ioctl_export(self, owner: str, arg: Argument) -> None:
        flags, _ = _sync_file_data(owner, arg)
        file = self.export_sync_file(_access(owner, flags, uapi.Sync.RW))
        number = file.fd
        try:
            copy_to_user(owner, arg, SYNC_FILE_DATA.pack(flags, number))
        except OSError:
            # The number was not installed yet: put_unused_fd().
            file.close()
            raise

    def _ioctl_import(self, owner: str, arg: Argument) -> None:
        flags, number = _sync_file_data(owner, arg)
        access = _access(owner, flags, uapi.Sync.RW)
        files = self._open().door.files
        file = files.get(number)
        if not isinstance(file, SyncFile):
            raise refusal(errno.EINVAL, f"{owner}: fd {number} is no sync file")
        self.import_sync_file(file, access)

    def import_sync_file(self, fence: Fence | SyncFile, access: str = "rw") -> None:
        """The work behind ``fence`` uses the buffer: reads it, or writes it too.

        ``access`` "r" makes it one of the readers, "w" and "rw" one of the writers.
        """
        cell = self._open()
        writes = _writes(cell.heap.name, access)
        fences = fence.fences if isinstance(fence, SyncFile) else (fence,)
        for one in fences:
            cell.fences.add(one, write=writes)

    def export_sync_file(self, access: str = "rw") -> SyncFile:
        """What one has to wait for before reading ("r") or writing the buffer.

        ``OSError(ENOTTY)`` on a kernel without CONFIG_SYNC_FILE.
        """
        cell = self._open()
        if not cell.door.options.sync_file:
            raise refusal(errno.ENOTTY, f"{cell.heap.name}: no CONFIG_SYNC_FILE")
        writes = _writes(cell.heap.name, access)
        return SyncFile(cell.door.files, cell.fences.waited_for(write=writes))

    def poll(self) -> int:
        """POLLIN once the last writer is done, POLLOUT once everybody is."""
        return self._open().fences.poll()

    def wait(self, access: str = "rw") -> int:
        """Let time pass as poll(2) without a timeout does; returns the ns waited."""
        cell = self._open()
        return cell.wait(write=_writes(cell.heap.name, access))

    def mmap(
        self,
        *,
        length: int | None = None,
        flags: int = mmap.MAP_SHARED,
        prot: int = READ_WRITE,
        offset: int = 0,
    ) -> memoryview:
        """The buffer, shared among its references and writable.

        The arguments are those of Python's own ``mmap.mmap``, None is the whole
        buffer. All of it is charged, whatever part is asked for. The mapping
        outlives :meth:`close`, as in the kernel. ``OSError``: EINVAL for a secure
        heap, which the CPU cannot reach, for what is past the end, no whole pages of
        an offset, or private over several sg entries; EACCES for what the file's
        access mode does not allow.
        """
        size = self._open().size if length is None else length
        asked = self._refuse_mmap(size, flags, prot, offset)
        view = mapping.view(self._open().memory(), asked)
        self._charge_mmap()
        return view

    def check_mmap(self, *, length: int, flags: int, prot: int, offset: int) -> None:
        """Refuse and charge as :meth:`mmap`, for one who maps other memory."""
        self._refuse_mmap(length, flags, prot, offset)
        self._charge_mmap()

    def _refuse_mmap(self, length: int, flags: int, prot: int, offset: int) -> Request:
        cell = self._open()
        asked = request(cell.heap.name, length, flags, prot, offset)
        entries: list[int] = []
        if asked.private:
            entries = cell.door.core.entries(cell.buffer)["size"].tolist()
        mapping.refuse(
            asked,
            size=cell.size,
            mode=cell.mode,
            heap=cell.heap,
            entries=entries,
            noexec=cell.door.options.noexec,
        )
        return asked

    def _charge_mmap(self) -> None:
        # When a program unmaps is not followed: what it holds keeps the pages.
        cell = self._open()
        cell.do(_ffi.Op.MMAP, "mmap")
        cell.door.step(_ffi.Op.MUNMAP, buffer=cell.buffer)

    def lseek(self, offset: int = 0, whence: int = os.SEEK_SET, /) -> int:
        """How large the buffer is (SEEK_END), or 0; anything else is EINVAL."""
        cell = self._open()
        where = arguments.integer(
            cell.heap.name, "offset", offset, low=-(2**63), high=2**63 - 1
        )
        if where or whence not in _ENDS:
            what = f"{cell.heap.name}: lseek to {where}, whence {whence}"
            raise refusal(errno.EINVAL, what)
        return cell.size if whence == os.SEEK_END else 0

    def read(self, _size: int = 0, /) -> NoReturn:
        """EINVAL: a buffer is mapped, not read."""
        raise refusal(errno.EINVAL, f"{self._open().heap.name}: read from a buffer")

    def write(self, _data: bytes = b"", /) -> NoReturn:
        """EINVAL: a buffer is mapped, not written."""
        raise refusal(errno.EINVAL, f"{self._open().heap.name}: write to a buffer")

    def truncate(self, _size: int = 0, /) -> NoReturn:
        """EINVAL: a buffer has its size for good."""
        raise refusal(errno.EINVAL, f"{self._open().heap.name}: ftruncate of a buffer")

    def fallocate(self, _size: int = PAGE_SIZE, /) -> NoReturn:
        """ENODEV: a buffer has its size for good."""
        raise refusal(errno.ENODEV, f"{self._open().heap.name}: fallocate of a buffer")


def _access(owner: str, flags: int, valid: int) -> str:
    # ~ of an IntFlag has its known bits only.
    if flags & ~int(valid) or not flags & uapi.Sync.RW:
        raise refusal(errno.EINVAL, f"{owner}: flags {flags:#x}")
    return _ACCESS[uapi.Sync(flags & uapi.Sync.RW)]


def _sync_file_data(owner: str, arg: Argument) -> tuple[int, int]:
    data = copy_from_user(owner, arg, SYNC_FILE_DATA.size)
    flags, number = SYNC_FILE_DATA.unpack(data)
    return flags, number


def _edge(flags: int) -> _ffi.Op:
    return _ffi.Op.END_CPU if flags & uapi.Sync.END else _ffi.Op.BEGIN_CPU


def _writes(owner: str, access: str) -> bool:
    return "w" in arguments.choice(owner, "access", access, tuple(_ffi.ACCESS_OF))
