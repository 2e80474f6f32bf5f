# SPDX-License-Identifier: MIT
"""A client's handles: one for each buffer, counted, numbered from 1."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from heapq import heappop, heappush

from heapkit.backends.sim import SimBuf
from heapkit.errors import refusal


@dataclass
class _Handle:
    buffer: SimBuf
    references: int = 1


class Handles:
    """Kernel: ``client->idr`` and ``client->handles`` of ion.c."""

    def __init__(self) -> None:
        self._handles: dict[int, _Handle] = {}
        self._numbers: dict[int, int] = {}  # inode of the buffer -> handle
        self._free: list[int] = []

    def take(self, buffer: SimBuf) -> int:
        """The handle of ``buffer``, which is the handles' own reference from now on.

        A buffer that has a handle keeps it, counted once more.
        """
        known = self._numbers.get(buffer.ino)
        if known is not None:
            buffer.close()
            self._handles[known].references += 1
            return known
        number = heappop(self._free) if self._free else len(self._handles) + 1
        self._handles[number] = _Handle(buffer)
        self._numbers[buffer.ino] = number
        return number

    def put(self, number: int) -> None:
        """ion_free(): one reference less; the last one lets the buffer go."""
        handle = self._of(number)
        handle.references -= 1
        if handle.references == 0:
            del self._handles[number], self._numbers[handle.buffer.ino]
            heappush(self._free, number)
            handle.buffer.close()

    def buffer(self, number: int) -> SimBuf:
        """What stands behind the handle; ``OSError(EINVAL)`` if it is none."""
        return self._of(number).buffer

    def _of(self, number: int) -> _Handle:
        if number not in self._handles:
            raise refusal(errno.EINVAL, f"handle {number} is none of this client")
        return self._handles[number]

    def clear(self) -> None:
        """ion_client_destroy(): every handle goes."""
        for handle in self._handles.values():
            handle.buffer.close()
        self._handles.clear()
        self._numbers.clear()
        self._free.clear()

    def __len__(self) -> int:
        return len(self._handles)
