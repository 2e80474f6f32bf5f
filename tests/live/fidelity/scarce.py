# SPDX-License-Identifier: MIT
"""A simulated memory in which exactly the wanted blocks are free."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import heapkit as hk
from heapkit import MiB
from tests.live.fidelity.sequences import PAGE

# What the loads hold at first, by the order of their blocks. Every second block of each
# can be given back, so that no two free ones are buddies: twice record_system.SCARCE.
HELD = 112 * MiB
GRANTED = (8, 4)
# What single pages come from. Too small for anything else, and an eighth of the steps
# that single pages would take.
SMALL = 3


def board_of(heap: hk.SystemHeap) -> hk.Board:
    """Memory for ``heap`` and the loads; nothing is kept back from any order."""
    loads = tuple(
        hk.PageLoad(name=f"order {order}", migratetype="unmovable", order=order)
        for order in (*GRANTED, SMALL)
    )
    memory = hk.Memory(total=3 * HELD, min_free=0)
    return hk.Board(name="recorded", memory=memory, heaps=(heap, *loads))


class Scarce:
    """Single pages are free in plenty, blocks of order 8 and 4 when granted."""

    def __init__(self, heap: hk.SystemHeap) -> None:
        self._heaps = hk.simulate(board_of(heap))
        self._system = self._heaps[heap.name]
        self._spare: dict[int, list[hk.SimBuf]] = {}
        self._granted: list[int] = []
        for order in (*GRANTED, SMALL):
            size = PAGE << order
            load = self._heaps[f"order {order}"]
            blocks = [load.allocate(size) for _ in range(HELD // size)]
            blocks.sort(key=lambda block: block.entries[0].address)
            self._spare[order] = blocks[::2]
        for block in self._spare.pop(SMALL):
            block.close()

    def granting(self, blocks: Sequence[int]) -> Callable[[int], hk.SimBuf]:
        """The heap's allocate(), with these blocks free beside single pages.

        The buffer before must have been closed, and its blocks are held again.
        """
        for order in self._granted:
            block = self._heaps[f"order {order}"].allocate(PAGE << order)
            self._spare[order].append(block)
        self._granted = [order for order in blocks if order]
        for order in self._granted:
            self._spare[order].pop().close()
        return self._system.allocate

    def close(self) -> None:
        """End the simulation."""
        self._heaps.close()
