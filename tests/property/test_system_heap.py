# SPDX-License-Identifier: MIT
"""System heaps, pools and deferred free against a naive model, event by event."""

import random

import numpy as np
import pytest

import heapkit as hk
from tests.property.naive_pages import Buddy, Heap, Pages

PAGE = 4096
# ns a page, by the order from which on a piece is cleared at that speed.
ZERO_PAGE = {8: 450, 4: 480, 0: 500}
EVENTS = 250
COLUMNS = (
    *("status", "heap", "entries", "pool_entries", "address"),
    *("free_bytes", "largest_free_bytes", "pool_bytes", "deferred_bytes"),
)


class Script:
    """A random board, random events on it, and what the naive model says of each."""

    def __init__(self, seed):
        self.random = random.Random(seed)  # noqa: S311 (no secret)
        self.pages = self.random.randrange(300, 6000)
        self.base = self.random.randrange(5000)
        self.held, self.now = {}, 0
        self.events, self.expected = [], []
        self._make_board()
        for _ in range(EVENTS):
            self.now += self.random.choice([0, 1, 1000, 10**5, 10**6])
            self.model.run_until(self.now)
            self._event()

    def _make_board(self):
        choose = self.random.choice
        orders = choose([(8, 4, 0), (9, 4, 0), (10, 6, 3, 0), (0,)])
        size = self.random.randrange(1, 100)
        start = self.base + self.random.randrange(self.pages - size)
        min_free = choose([0, self.pages // 3])
        naive, heaps = [], []
        for i in range(3):
            pooled, deferred = choose([True, False]), choose([True, False])
            limit = choose([None, 16, 256])
            naive.append(
                Heap(orders, pooled=pooled, deferred=pooled and deferred, limit=limit)
            )
            bound = limit and limit * PAGE
            pool = hk.PagePool(orders=orders, deferred_free=deferred, limit=bound)
            heaps.append(
                hk.SystemHeap(
                    name=f"s{i}", orders=orders, pool=pool if pooled else None
                )
            )
        hole = hk.CarveoutHeap(name="hole", size=size * PAGE, base=start * PAGE)
        self.board = hk.Board(
            name="property",
            memory=hk.Memory(
                total=self.pages * PAGE, base=self.base * PAGE, min_free=min_free * PAGE
            ),
            heaps=(*heaps, hole),
        ).replace(
            {
                "costs.zero_page": ZERO_PAGE[0],
                "costs.zero_page_64k": ZERO_PAGE[4],
                "costs.zero_page_1m": ZERO_PAGE[8],
            }
        )
        end, holes = self.base + self.pages, [(start, start + size)]
        buddy = Buddy(self.base, end, holes, min_free)
        self.model = Pages(buddy, naive, ZERO_PAGE)

    def _event(self):
        dice = self.random.random()
        if dice < 0.04:
            self._pressure()
        elif self.held and dice < 0.5:
            self._free()
        else:
            self._allocate()

    def _allocate(self):
        buffer = min(set(range(len(self.held) + 1)) - set(self.held))
        most = self.random.choice([5, 600, self.pages // 2, 2 * self.pages])
        size = self.random.randrange(1, most * PAGE)
        chain = self.random.sample(range(3), self.random.randrange(1, 4))
        for index in chain:
            got = self.model.allocate(self.model.heaps[index], -(-size // PAGE))
            if got:
                break
        entries, hits = got or ([], 0)
        self.held[buffer] = index, entries, hits
        names = "|".join(f"s{i}" for i in chain)
        self._record(hk.Op.ALLOC, buffer, size, names)
        self._expect(0 if got else -12, index, entries, hits)

    def _free(self):
        buffer = self.random.choice(sorted(self.held))
        index, entries, hits = self.held.pop(buffer)
        if entries:
            self.model.free(self.model.heaps[index], entries, self.now)
        self._record(hk.Op.FREE, buffer, 0, "s0")
        self._expect(0, index, entries, hits)

    def _pressure(self):
        size = self.random.randrange(self.pages * PAGE)
        self.model.reclaim(-(-size // PAGE))
        self._record(hk.Op.PRESSURE, 0, size, "s0")
        self._expect(0, -1, [], 0)

    def _record(self, op, buffer, size, heap):
        self.events.append((op, buffer, size, heap, self.now))

    def _expect(self, status, index, entries, hits):
        heaps = self.model.heaps if index < 0 else [self.model.heaps[index]]
        address = entries[0][0] * PAGE if entries else 0
        buddy = self.model.buddy
        gauges = (
            *(buddy.free, buddy.largest),
            *(sum(h.pool_pages for h in heaps), sum(h.waiting for h in heaps)),
        )
        row = (status, index, len(entries), hits, address)
        self.expected.append((*row, *(pages * PAGE for pages in gauges)))

    def trace(self):
        op, buffer, size, heap, time_ns = zip(*self.events, strict=True)
        return hk.Trace.from_columns(
            op=np.array(op, np.uint8),
            buffer=np.array(buffer),
            size=np.array(size, np.uint64),
            heap=list(heap),
            time_ns=np.array(time_ns),
        )


@pytest.mark.parametrize("seed", range(40))
def test_system_heaps_do_what_the_naive_model_does(seed):
    script = Script(seed)
    run = hk.replay(script.trace(), script.board, check_every=1)
    rows = zip(*(run[column].tolist() for column in COLUMNS), strict=True)
    for event, (row, expected) in enumerate(zip(rows, script.expected, strict=True)):
        assert row == expected, (event, script.events[event], COLUMNS)
    lists = run.snapshot(-1, "s0").attributes["buddyinfo"]
    assert lists == tuple(len(blocks) for blocks in script.model.buddy.blocks)


def test_random_scripts_reach_what_they_are_for():
    rows = [row for seed in range(10) for row in Script(seed).expected]
    columns = dict(zip(COLUMNS, np.array(rows).T, strict=True))
    for column in ("status", "pool_entries", "pool_bytes", "deferred_bytes"):
        assert np.count_nonzero(columns[column]) > len(rows) / 20, column
    assert columns["free_bytes"].min() == 0
