# SPDX-License-Identifier: MIT
"""A file that a full disk does not spoil: room is kept for what has to be its end."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

# What says that there is no room: of the disk, of the user's quota.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class ReservedFile:
    """A new file at ``path``, written from its beginning to its end.

    ``reserve_bytes`` are kept in a second file beside it. Where a write finds no
    room, that file is given back, the write goes on, and ``full`` says so: the
    caller then has those bytes left to end the file properly. A limit on the length
    of a file (RLIMIT_FSIZE) cannot be met like that, so ``full`` comes
    ``reserve_bytes`` before it. ``OSError`` where not even the reserve is enough.

    It has what :class:`pyarrow.parquet.ParquetWriter` asks of a file.
    """

    def __init__(self, path: Path, *, reserve_bytes: int) -> None:
        self.full = False
        self._at = 0
        self._limit = _longest() - reserve_bytes
        self._reserve = path.with_name(f"{path.name}.reserve")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o666)
        try:
            self._keep(reserve_bytes)
        except OSError:
            self.close()
            path.unlink(missing_ok=True)
            raise

    def _keep(self, reserve_bytes: int) -> None:
        """Take the blocks of the reserve now: a hole would keep no room."""
        with self._reserve.open("wb") as reserve:
            if reserve_bytes:
                os.posix_fallocate(reserve.fileno(), 0, reserve_bytes)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._fd < 0

    def readable(self) -> bool:
        """It is written only."""
        return False

    def writable(self) -> bool:
        """It is written only."""
        return True

    def seekable(self) -> bool:
        """It has one direction."""
        return False

    def tell(self) -> int:
        """The bytes written so far."""
        return self._at

    def flush(self) -> None:
        """Nothing is kept back."""

    def write(self, data: bytes) -> int:
        """All of ``data``, if need be with the room of the reserve."""
        left = memoryview(data).cast("B")
        length = len(left)
        while len(left):
            written = self._some(left)
            self._at += written
            left = left[written:]
        self.full = self.full or self._at > self._limit
        return length

    def _some(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except OSError as error:
            if error.errno not in _NO_ROOM or self.full:
                raise
            self.full = True
            self._reserve.unlink(missing_ok=True)
            return os.write(self._fd, data)

    def close(self) -> None:
        """Close it and give the reserve back; again does nothing."""
        if self._fd < 0:
            return
        fd, self._fd = self._fd, -1
        self._reserve.unlink(missing_ok=True)
        os.close(fd)


def _longest() -> int:
    """The longest file that this process may write; RLIM_INFINITY is a wide number."""
    soft, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    return (1 << 63) - 1 if soft == resource.RLIM_INFINITY else soft
