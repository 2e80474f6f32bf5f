# SPDX-License-Identifier: MIT
"""A simulated memory in which exactly the wanted blocks are free."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import heapkit as hk
from heapkit import MiB
from tests.live.fidelity.sequences import PAGE

TOTAL = 256 * MiB
# Of the three loads, by the order of their blocks: what they hold at first. Every
# second block of each is given back, so that no two free ones are buddies.
HELD = {8: 96 * MiB, 4: 80 * MiB, 0: 80 * MiB}


def board_of(heap: hk.SystemHeap) -> hk.Board:
    """Memory for ``heap`` and the loads; nothing is kept back from any order."""
    loads = tuple(
        hk.PageLoad(name=f"order {order}", migratetype="unmovable", order=order)
        for order in HELD
    )
    memory = hk.Memory(total=TOTAL, min_free=0)
    return hk.Board(name="recorded", memory=memory, heaps=(heap, *loads))


class Scarce:
    """Single pages are free in plenty, blocks of order 8 and 4 when granted."""

    def __init__(self, heap: hk.SystemHeap) -> None:
        self._heaps = hk.simulate(board_of(heap))
        self._system = self._heaps[heap.name]
        self._spare: dict[int, list[hk.SimBuf]] = {}
        self._granted: list[int] = []
        for order, held in HELD.items():
            size = PAGE << order
            load = self._heaps[f"order {order}"]
            blocks = [load.allocate(size) for _ in range(held // size)]
            blocks.sort(key=lambda block: block.entries[0].address)
            self._spare[order] = blocks[::2]
        for page in self._spare.pop(0):
            page.close()

    def granting(self, blocks: Sequence[int]) -> Callable[[int], hk.SimBuf]:
        """The heap's allocate(), with these blocks free beside single pages."""
        self._granted = [order for order in blocks if order]
        for order in self._granted:
            self._spare[order].pop().close()
        return self._system.allocate

    def take_back(self, buffer: hk.SimBuf) -> None:
        """End the buffer, and hold the granted blocks again."""
        buffer.close()
        for order in self._granted:
            block = self._heaps[f"order {order}"].allocate(PAGE << order)
            self._spare[order].append(block)

    def close(self) -> None:
        """End the simulation."""
        self._heaps.close()
