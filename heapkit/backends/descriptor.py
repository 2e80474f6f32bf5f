# SPDX-License-Identifier: MIT
"""A file descriptor with an owner, and ioctl(2) on one."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import Self

from heapkit.errors import refusal


class Descriptor:
    """The owner of one file descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def fileno(self) -> int:
        """The file descriptor; ``OSError(EBADF)`` once closed."""
        if self._fd < 0:
            raise refusal(errno.EBADF, f"{self!r} is closed")
        return self._fd

    def close(self) -> None:
        """Give the descriptor back; a second time does nothing."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Self:
        self.fileno()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ioctl(fd: int, request: int, argument: bytes | memoryview, what: str) -> None:
    """One ioctl, again when a signal or a fence asks for it, as libdrm does."""
    while True:
        try:
            fcntl.ioctl(fd, request, argument)
            return
        except OSError as error:
            if error.errno not in (errno.EINTR, errno.EAGAIN):
                raise refusal(error.errno or errno.EIO, what) from None
