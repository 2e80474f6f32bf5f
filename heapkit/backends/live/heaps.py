# SPDX-License-Identifier: MIT
"""The heaps of the running kernel by name."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping, Sequence

from heapkit.backends.heap_map import HeapMap
from heapkit.backends.live import passing
from heapkit.backends.live.buffer import LiveBuf
from heapkit.backends.live.heap import LiveHeap
from heapkit.backends.live.keeper import Keeper


class LiveHeaps(HeapMap[LiveHeap]):
    """A mapping of heap names to heaps; satisfies :class:`heapkit.interface.Heaps`."""

    def __init__(self, heaps: Mapping[str, LiveHeap]) -> None:
        super().__init__(heaps)
        self._keeper = Keeper("live")

    def __repr__(self) -> str:
        return f"<LiveHeaps {', '.join(self._heaps)}>"

    def allocate(self, size: int, chain: Sequence[str]) -> LiveBuf:
        """From the first heap of ``chain`` that has the memory.

        Only ENOMEM moves on to the next heap; the last heap's error is raised.
        """
        *others, last = self.in_chain(chain)
        for heap in others:
            try:
                return heap.allocate(size)
            except OSError as error:
                if error.errno != errno.ENOMEM:
                    raise
        return last.allocate(size)

    def adopt(self, fd: int) -> LiveBuf:
        """The dma-buf ``fd`` of any exporter, a driver's too; closed with the heaps.

        ``OSError`` as :meth:`LiveHeap.adopt`.
        """
        return LiveBuf.adopted(fd, self._keeper)

    def receive(self, sock: socket.socket) -> LiveBuf:
        """The dma-buf that another process, or :meth:`LiveBuf.send`, passed.

        One message is read, of which one byte is taken. ``OSError``: EBADMSG if no
        descriptor came with it, EMSGSIZE for more than one, EMFILE if this process has
        no number left, EINVAL for what is no dma-buf, ECONNRESET once the other end is
        closed. What came is then closed.
        """
        return LiveBuf.owning(passing.receive(self._keeper.name, sock), self._keeper)

    def close(self) -> None:
        """Close every buffer and heap; a second time does nothing."""
        self._keeper.close()
        for heap in self._heaps.values():
            heap.close()
