# SPDX-License-Identifier: MIT
"""The page allocator and the pools of the SimPy system heap, in pages.

The zone is ranges of whole blocks of the largest order and gives out unmovable pages
only, so that one list per order is all that it takes: what is claimed from the movable
lists comes from the largest order, in ascending order, after what was merged back.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence

MAX_ORDER = 10


class Zone:
    """Free blocks of each order; the first of a list is taken next."""

    def __init__(self, ranges: Sequence[range], min_free: int) -> None:
        self.lists: list[OrderedDict[int, None]] = [
            OrderedDict() for _ in range(MAX_ORDER + 1)
        ]
        for pages in ranges:
            self.lists[MAX_ORDER].update(dict.fromkeys(pages[:: 1 << MAX_ORDER]))
        self.free, self.min_free = sum(map(len, ranges)), min_free
        self.splits = 0  # halvings so far

    def take(self, order: int) -> int | None:
        """The first page of a block; orders above 0 leave ``min_free`` pages."""
        if order and self.free - ((1 << order) - 1) <= self.min_free:
            return None
        for big in range(order, MAX_ORDER + 1):
            if self.lists[big]:
                page, _ = self.lists[big].popitem(last=False)
                self._split(page, big, order)
                self.free -= 1 << order
                return page
        return None

    def _split(self, page: int, big: int, order: int) -> None:
        self.splits += big - order
        for half in range(big - 1, order - 1, -1):
            self._add(page + (1 << half), half, head=True)

    def _add(self, page: int, order: int, *, head: bool) -> None:
        blocks = self.lists[order]
        blocks[page] = None
        if head:
            blocks.move_to_end(page, last=False)

    def give(self, page: int, order: int) -> None:
        """Merge with free buddies; to the tail if the next merge is likely."""
        self.free += 1 << order
        while order < MAX_ORDER and page ^ 1 << order in self.lists[order]:
            del self.lists[order][page ^ 1 << order]
            page &= ~(1 << order)
            order += 1
        pair = page & ~(1 << order)
        likely = order < MAX_ORDER - 1 and pair ^ 2 << order in self.lists[order + 1]
        self._add(page, order, head=not likely)

    @property
    def largest(self) -> int:
        """Pages of the largest free block."""
        for order in range(MAX_ORDER, -1, -1):
            if self.lists[order]:
                return 1 << order
        return 0


class Pools:
    """Zeroed blocks per order, first in first out."""

    def __init__(self, orders: tuple[int, ...]) -> None:
        self.blocks: dict[int, deque[int]] = {order: deque() for order in orders}
        self.pages = 0

    def take(self, order: int) -> int | None:
        """The oldest block."""
        if not self.blocks[order]:
            return None
        self.pages -= 1 << order
        return self.blocks[order].popleft()

    def add(self, page: int, order: int) -> None:
        """The newest block."""
        self.blocks[order].append(page)
        self.pages += 1 << order

    def shrink(self, zone: Zone, pages: int) -> int:
        """Give ``pages`` or more back, smallest order first."""
        freed = 0
        for order in reversed(self.blocks):
            while freed < pages and (page := self.take(order)) is not None:
                zone.give(page, order)
                freed += 1 << order
        return freed
