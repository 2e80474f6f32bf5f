# SPDX-License-Identifier: MIT
"""Buffers of a memfd's pages: drivers/dma-buf/udmabuf.c."""

from __future__ import annotations

import errno
import fcntl
import os

from heapkit import arguments, uapi
from heapkit.backends.descriptor import ioctl, refused
from heapkit.backends.live.buffer import LiveBuf
from heapkit.backends.live.heap_file import HeapFile
from heapkit.errors import refusal
from heapkit.ioctls import UDMABUF_CREATE, UDMABUF_CREATE_DATA, UDMABUF_FLAGS_CLOEXEC


class LiveUdmabuf(HeapFile):
    """/dev/udmabuf as a heap; :class:`heapkit.interface.DmaHeap`.

    Its ioctls are its own: :data:`heapkit.ioctls.UDMABUF_CREATE`, which returns the
    descriptor, and ENOTTY for a heap's.
    """

    def allocate(
        self, size: int, *, heap_flags: int = 0, fd_flags: int = uapi.DEFAULT_FD_FLAGS
    ) -> LiveBuf:
        """UDMABUF_CREATE of a memfd of ``size`` bytes: zeroed, in whole pages.

        ``OSError``: EINVAL for a size that is 0, no whole pages, or more than the
        module's size_limit_mb (64 MiB unless somebody changed it), for any heap flag,
        and for another access mode than O_RDWR, which is all there is; ENOMEM, EMFILE.
        """
        name = self._name
        size = arguments.integer(name, "size", size, high=arguments.U64_MAX)
        flags = arguments.integer(
            name, "heap_flags", heap_flags, high=arguments.U64_MAX
        )
        mode = arguments.integer(name, "fd_flags", fd_flags, high=arguments.U32_MAX)
        device = self.fileno()
        if flags or mode & ~os.O_CLOEXEC != os.O_RDWR:
            what = f"{name}: {size} bytes, {heap_flags=:#x}, {fd_flags=:#x}"
            raise refusal(errno.EINVAL, what)
        memfd = _sealed(name, size)
        try:
            made = self._create(device, memfd, size, bool(mode & os.O_CLOEXEC))
        finally:
            os.close(memfd)  # the buffer holds its pages
        return LiveBuf.owning(made, self._keeper)

    def _create(self, device: int, memfd: int, size: int, close_on_exec: bool) -> int:  # noqa: FBT001
        flags = UDMABUF_FLAGS_CLOEXEC if close_on_exec else 0
        request = bytearray(UDMABUF_CREATE_DATA.pack(memfd, flags, 0, size))
        return ioctl(device, UDMABUF_CREATE, request, f"{self._name}: {size} bytes")


def _sealed(name: str, size: int) -> int:
    """A memfd that cannot shrink, as the device demands: pages stay where they are."""
    what = f"{name}: {size} bytes"
    if size >= 2**63:
        raise refusal(errno.EINVAL, f"{what}: no file is that large")
    with refused(what):
        memfd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with refused(what):
            os.ftruncate(memfd, size)
            fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    except OSError:
        os.close(memfd)
        raise
    return memfd
