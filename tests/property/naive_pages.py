# SPDX-License-Identifier: MIT
"""Page allocator, pools and deferred free over plain lists: slow, easy to read.

Written after mm/page_alloc.c and Android's system_heap.c, page_pool.c and
deferred-free-helper.c, to be compared with the C core. Pages are numbers.
"""

MAX_ORDER = 10
PAGEBLOCK_ORDER = 9
PAGEBLOCK = 1 << PAGEBLOCK_ORDER
SHRINK_BATCH = 128


class Buddy:
    """Free blocks of each type and order as a list of first pages; [0] is the head.

    Heaps ask for unmovable pages only, so there are pageblocks of two types.
    """

    def __init__(self, start, end, holes, min_free):
        self.lists = {
            kind: [[] for _ in range(MAX_ORDER + 1)]
            for kind in ("unmovable", "movable")
        }
        self.unmovable = set()  # pageblocks, by number; the others are movable
        self.min_free, self.start, self.end = min_free, start, end
        for first, last in [*sorted(holes), (end, end)]:
            self._add(start, first)
            start = last

    def _add(self, start, end):
        while start < end:
            order = MAX_ORDER
            while start % (1 << order) or start + (1 << order) > end:
                order -= 1
            self.lists["movable"][order].append(start)
            start += 1 << order

    @property
    def blocks(self):
        """Of each order, the first pages of all free blocks."""
        both = zip(self.lists["unmovable"], self.lists["movable"], strict=True)
        return [unmovable + movable for unmovable, movable in both]

    @property
    def free(self):
        return sum(len(blocks) << order for order, blocks in enumerate(self.blocks))

    @property
    def largest(self):
        return max(
            (1 << o for o, blocks in enumerate(self.blocks) if blocks), default=0
        )

    def take(self, order):
        if order and self.free - ((1 << order) - 1) <= self.min_free:
            return None
        return (
            self._smallest("unmovable", order)
            or self._claim(order)
            or self._smallest("movable", order)  # steal
            or (None,)
        )[0]

    def _smallest(self, kind, order):
        for big in range(order, MAX_ORDER + 1):
            if self.lists[kind][big]:
                return (self._split(kind, self.lists[kind][big].pop(0), big, order),)
        return None

    def _split(self, kind, page, big, order):
        for half in range(big - 1, order - 1, -1):
            self.lists[kind][half].insert(0, page + (1 << half))
        return page

    def _claim(self, order):
        for big in range(MAX_ORDER, order - 1, -1):
            if not self.lists["movable"][big]:
                continue
            page = self.lists["movable"][big][0]
            block = page // PAGEBLOCK
            if big >= PAGEBLOCK_ORDER:
                self.lists["movable"][big].pop(0)
                self.unmovable |= set(range(block, (page + (1 << big)) // PAGEBLOCK))
                return (self._split("unmovable", page, big, order),)
            first, last = block * PAGEBLOCK, (block + 1) * PAGEBLOCK
            # No page is held as movable, so all that is not free is alike.
            if self.start <= first and last <= self.end:
                self._move(first, last)
                self.unmovable.add(block)
                return self._smallest("unmovable", order)
        return None

    def _move(self, first, last):
        for order, movable in enumerate(self.lists["movable"]):
            moved = sorted(page for page in movable if first <= page < last)
            self.lists["unmovable"][order].extend(moved)
            for page in moved:
                movable.remove(page)

    def _kind(self, page):
        return "unmovable" if page // PAGEBLOCK in self.unmovable else "movable"

    def give(self, page, order):
        kind = self._kind(page)
        while order < MAX_ORDER:
            buddy = page ^ (1 << order)
            if buddy not in self.lists[self._kind(buddy)][order]:
                break
            self.lists[self._kind(buddy)][order].remove(buddy)
            if kind == "unmovable":
                self.unmovable.add(buddy // PAGEBLOCK)
            else:
                self.unmovable.discard(buddy // PAGEBLOCK)
            page &= ~(1 << order)
            order += 1
        pair = page & ~(1 << order)
        likely = order < MAX_ORDER - 1 and (
            pair ^ (2 << order) in self.blocks[order + 1]
        )
        blocks = self.lists[kind][order]
        blocks.insert(len(blocks) if likely else 0, page)


class Heap:
    """One system heap; ``pools`` by order, or None."""

    def __init__(self, orders, *, pooled, deferred, limit):
        self.orders, self.deferred, self.limit = orders, deferred, limit
        self.pools = {order: [] for order in orders} if pooled else None
        self.waiting = 0

    @property
    def pool_pages(self):
        return sum(len(p) << o for o, p in (self.pools or {}).items())


class Pages:
    """System heaps over one page allocator. Time passes in ``run_until``."""

    def __init__(self, buddy, heaps, zero_page):
        self.buddy, self.heaps, self.zero_page = buddy, heaps, zero_page
        self.list = []  # deferred: (heap, entries, freed at), newest first
        self.hand = None  # (heap, entries), done at, or None
        self.idle_since = -(1 << 62)

    def allocate(self, heap, pages):
        """(entries, hits), or None. A smaller order is never followed by a larger."""
        entries, hits, top = [], 0, MAX_ORDER
        while pages:
            for order in heap.orders:
                if order > top or 1 << order > pages:
                    continue
                page, hit = self._block(heap, order)
                if page is not None:
                    break
            else:
                self._give(entries)
                return None
            entries.append((page, order))
            pages -= 1 << order
            hits, top = hits + hit, order
        return entries, hits

    def _block(self, heap, order):
        if heap.pools and heap.pools[order]:
            return heap.pools[order].pop(0), True
        page = self.buddy.take(order)
        while page is None and order == 0 and self.reclaim(SHRINK_BATCH):
            page = self.buddy.take(0)
        return page, False

    def _give(self, entries):
        for page, order in entries:
            self.buddy.give(page, order)

    def free(self, heap, entries, now):
        if heap.deferred:
            self.list.insert(0, (heap, entries, now))
            heap.waiting += pages_of(entries)
        else:
            self._recycle(heap, entries)

    def _recycle(self, heap, entries):
        for page, order in entries:
            full = heap.pools is None or (
                heap.limit is not None and len(heap.pools[order]) >= heap.limit >> order
            )
            if full:
                self.buddy.give(page, order)
            else:
                heap.pools[order].append(page)

    def run_until(self, now):
        """The idle thread: begins with the newest once time has passed since."""
        while self.hand or self.list:
            if not self.hand:
                heap, entries, freed = self.list[0]
                if max(freed + 1, self.idle_since) > now:
                    return
                self.list.pop(0)
                begun = max(freed, self.idle_since)
                done = begun + sum(self._zeroing(order) for _, order in entries)
                self.hand = (heap, entries), done
            (heap, entries), done = self.hand
            if done > now:
                return
            heap.waiting -= pages_of(entries)
            self._recycle(heap, entries)
            self.hand, self.idle_since = None, done

    def _zeroing(self, order):
        speed = next(ns for least, ns in self.zero_page.items() if order >= least)
        return speed << order

    def reclaim(self, pages):
        """The shrinkers: deferred buffers, then pools from the last heap on."""
        freed = 0
        while freed < pages and (self.list or self.hand):
            if self.list:
                heap, entries, _ = self.list.pop(0)
            else:
                (heap, entries), self.hand = self.hand[0], None
            heap.waiting -= pages_of(entries)
            freed += pages_of(entries)
            self._give(entries)
        for heap in reversed(self.heaps):
            for order in reversed(heap.orders if heap.pools else ()):
                while freed < pages and heap.pools[order]:
                    self.buddy.give(heap.pools[order].pop(0), order)
                    freed += 1 << order
        return freed


def pages_of(entries):
    return sum(1 << order for _, order in entries)
