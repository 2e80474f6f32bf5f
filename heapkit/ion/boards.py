# SPDX-License-Identifier: MIT
"""A board as ION would have run it: the same memory, other rules."""

from __future__ import annotations

import dataclasses
from typing import Any

from heapkit import arguments
from heapkit.board import Board, CarveoutHeap, ChunkHeap, PagePool, SystemHeap
from heapkit.board_parts import Heap


def board(board: Board, *, deferred_carveouts: bool = True) -> Board:
    """The board with ION's rules, of 4.12 to 5.10, for each of its heaps.

    System heaps keep pages in pools and free in a thread; the shrinker begins with
    the largest order, a failed allocation's pages go back to the pools, and no
    buffer has more than half of the memory. A carveout clears memory when it is
    freed, in a thread too, and a request that finds no room drains that thread's
    list and tries again; Exynos took the thread away (d985013f):
    ``deferred_carveouts=False``. A chunk heap clears at free. Synchronisation is for
    every attachment, mapped or not. Other heaps are as they were.
    """
    if not isinstance(board, Board):
        raise arguments.wrong("ion.board", "board", board, "a heapkit.Board")
    deferred = arguments.boolean("ion.board", "deferred_carveouts", deferred_carveouts)
    changes: dict[str, Any] = {
        "name": f"{board.name}, ION",
        "sync.attachments": "all",
    }
    for heap in board.heaps:
        rules = _rules(heap, thread=deferred)
        changes |= {f"{heap.name}.{field}": value for field, value in rules.items()}
    return board.replace(changes)


def _rules(heap: Heap, *, thread: bool) -> dict[str, Any]:
    match heap:
        case SystemHeap(encrypted=False):
            pool = heap.pool or PagePool(orders=heap.orders)
            pool = dataclasses.replace(
                pool, deferred_free=True, shrink="descending", unwind="pool"
            )
            return {"pool": pool, "max_share": "half"}
        case ChunkHeap():
            return {"zero": "free"}
        case CarveoutHeap():
            return {"zero": "free", "deferred_free": thread, "retry_drained": thread}
        case _:
            return {}
