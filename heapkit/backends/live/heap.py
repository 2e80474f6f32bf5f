# SPDX-License-Identifier: MIT
"""A heap of /dev/dma_heap."""

from __future__ import annotations

import struct
from typing import Final

from heapkit import arguments, ioctls, uapi
from heapkit.backends.descriptor import ioctl
from heapkit.backends.live import oversized
from heapkit.backends.live.buffer import LiveBuf
from heapkit.backends.live.heap_file import HeapFile
from heapkit.ioctls import Argument

_LENGTH: Final = struct.Struct("=Q")  # where struct dma_heap_allocation_data begins


class LiveHeap(HeapFile):
    """One device node of /dev/dma_heap; :class:`heapkit.interface.DmaHeap`."""

    def allocate(
        self,
        size: int,
        *,
        heap_flags: int = 0,
        fd_flags: int = uapi.DEFAULT_FD_FLAGS,
        allow_oversized: bool = False,
    ) -> LiveBuf:
        """DMA_HEAP_IOCTL_ALLOC: a zeroed buffer of ``size`` bytes, in whole pages.

        ``fd_flags`` are an access mode and O_CLOEXEC. ``OSError`` as the kernel says
        it: EINVAL for other flags, for size 0 and for any heap flag; ENOMEM, EMFILE. A
        system heap does not compare the size with anything before it takes page after
        page: what exceeds MemAvailable - CmaFree would wake the OOM killer, so heapkit
        refuses it with ENOMEM unless ``allow_oversized``.
        """
        size = arguments.integer(self._name, "size", size, high=arguments.U64_MAX)
        heap_flags = arguments.integer(
            self._name, "heap_flags", heap_flags, high=arguments.U64_MAX
        )
        fd_flags = arguments.integer(
            self._name, "fd_flags", fd_flags, high=arguments.U32_MAX
        )
        fd = self.fileno()
        if not arguments.boolean(self._name, "allow_oversized", allow_oversized):
            oversized.refuse(self._name, size)
        request = uapi.allocation_data(
            len=size, fd_flags=fd_flags, heap_flags=heap_flags
        )
        what = f"{self._name}: {size} bytes"
        ioctl(fd, uapi.DMA_HEAP_IOCTL_ALLOC, request.buffer, what)
        return LiveBuf.owning(request["fd"], self._keeper)

    def ioctl(
        self, cmd: int, arg: Argument = None, *, allow_oversized: bool = False
    ) -> int:
        """As :meth:`HeapFile.ioctl`; an oversized request is refused here too."""
        command = ioctls.command_of(self._name, cmd)
        argument = ioctls.bytes_of(self._name, arg)
        self.fileno()
        if not arguments.boolean(self._name, "allow_oversized", allow_oversized):
            oversized.refuse(self._name, _size_in(command, argument))
        return super().ioctl(command, arg)


def _size_in(command: int, argument: memoryview | None) -> int:
    """The size that the kernel would read as an allocation's; 0 if it reads none.

    Only the command's nr makes it one. A struct too short to have a whole size has
    zeroes in the rest.
    """
    reads = ioctls.direction_of(command) & ioctls.WRITE
    if argument is None or not reads or ioctls.nr_of(command):
        return 0
    told = bytes(argument[: min(_LENGTH.size, ioctls.size_of(command))])
    return int(_LENGTH.unpack(told.ljust(_LENGTH.size, b"\0"))[0])
