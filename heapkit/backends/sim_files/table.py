# SPDX-License-Identifier: MIT
"""Numbers of open files, given out as a process does: the lowest free one first."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator, Mapping
from heapq import heappop, heappush
from typing import Final, Protocol

from heapkit import arguments
from heapkit.errors import refusal

FIRST: Final = 3  # 0 to 2 are a program's own streams
SOFT_LIMIT: Final = 1024  # INR_OPEN_CUR of include/uapi/linux/fs.h


class Closeable(Protocol):
    """What can stand in a table."""

    def close(self) -> None:
        """Close the file; the table's number is given back."""


class FileTable(Mapping[int, Closeable]):
    """Open files by number. Kernel: struct files_struct, RLIMIT_NOFILE.

    They are no descriptors of this process: nothing but the simulation knows them.
    """

    def __init__(self) -> None:
        self.limit = SOFT_LIMIT
        self.lock = threading.RLock()
        self._files: dict[int, Closeable] = {}
        self._free: list[int] = []

    def install(self, file: Closeable) -> int:
        """The number ``file`` has from now on; ``OSError(EMFILE)`` at the limit."""
        with self.lock:
            if FIRST + len(self._files) >= self.limit:
                raise refusal(errno.EMFILE, f"{self.limit} files are open")
            number = heappop(self._free) if self._free else FIRST + len(self._files)
            self._files[number] = file
            return number

    def forget(self, number: int) -> None:
        """The number is free again."""
        with self.lock:
            if self._files.pop(number, None) is not None:
                heappush(self._free, number)

    def close(self, number: int) -> None:
        """Close the file of that number; ``OSError(EBADF)`` if there is none."""
        self[number].close()

    def __getitem__(self, number: int) -> Closeable:
        number = arguments.integer("files", "fd", number, low=-(2**31), high=2**32 - 1)
        try:
            return self._files[number]
        except KeyError:
            raise BadNumber(
                errno.EBADF, f"no open file has the number {number}"
            ) from None

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._files))

    def __len__(self) -> int:
        return len(self._files)


class BadNumber(OSError, KeyError):
    """EBADF, and a key that a mapping has not."""


class NumberedFile:
    """A file that gets its number when it is first asked for."""

    _table: FileTable
    _number: int | None = None

    def _number_in(self, table: FileTable) -> int:
        with table.lock:
            if self._number is None:
                self._table, self._number = table, table.install(self)
            return self._number

    def _give_number_back(self) -> None:
        if self._number is not None:
            self._table.forget(self._number)
            self._number = None

    def close(self) -> None:
        """Close the file; the number is given back."""
        self._give_number_back()
