# SPDX-License-Identifier: MIT
"""A file descriptor with an owner, and ioctl(2) on one."""

from __future__ import annotations

import errno
import fcntl
import os
import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn, Self

from heapkit.errors import refusal

READY: Final = select.POLLIN | select.POLLOUT


class Descriptor:
    """The owner of one file descriptor."""

    _fd = -1  # of the class: one that has none, because it is closed or never had

    def __init__(self, fd: int) -> None:
        self._fd = fd

    @property
    def fd(self) -> int:
        """The file descriptor; ``OSError(EBADF)`` once closed."""
        return self.fileno()

    def fileno(self) -> int:
        """The file descriptor; ``OSError(EBADF)`` once closed."""
        if self._fd < 0:
            raise refusal(errno.EBADF, f"{self!r} is closed")
        return self._fd

    def close(self) -> None:
        """Give the descriptor back; a second time does nothing."""
        # One step, so that of two threads one closes: the other would close a
        # descriptor that somebody else has got meanwhile.
        fd = vars(self).pop("_fd", -1)
        if fd >= 0:
            os.close(fd)

    def __reduce__(self) -> NoReturn:
        # A copy would be a second owner of the same number.
        raise TypeError(f"{self!r} is neither copied nor pickled; dup() or send() it")

    def __enter__(self) -> Self:
        self.fileno()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def ioctl(
    fd: int, request: int, argument: bytes | bytearray | memoryview, what: str
) -> int:
    """One ioctl, again when a signal or a fence asks for it, as libdrm does.

    ``argument`` is as long as the kernel takes it to be. Where it can be written it
    holds the answer, and the call's value is returned: for bytes Python gives the
    answer in their place, and no kernel structure of heapkit's is passed that way.
    """
    while True:
        try:
            done = fcntl.ioctl(fd, request, argument)
        except OSError as error:
            if error.errno not in (errno.EINTR, errno.EAGAIN):
                raise refusal(error.errno or errno.EIO, what) from None
        else:
            return done if isinstance(done, int) else 0


@contextmanager
def refused(what: str) -> Iterator[None]:
    """An ``OSError`` of the block, whose text says what was tried."""
    try:
        yield
    except OSError as error:
        raise refusal(error.errno or errno.EIO, what) from None


def ready(fd: int, events: int = READY, *, timeout_ms: int | None = 0) -> int:
    """poll(2): which of ``events`` there are now, or, with None, once there is one."""
    poll = select.poll()
    poll.register(fd, events)
    return dict(poll.poll(timeout_ms)).get(fd, 0) & READY
