# SPDX-License-Identifier: MIT
"""The C core against a naive model, one random step after another."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import heapkit as hk
from heapkit import MiB
from tests.property import naive

PAGE = 4096
PAGES = 96
BASE_PFN = 0x1_0005  # odd, so that an address and an index align differently


class AllocatorMachine(RuleBasedStateMachine):
    """Allocate and free at random; both sides must agree after every step."""

    base_pfn = BASE_PFN

    def __init__(self):
        super().__init__()
        board = hk.Board(
            name="property",
            memory=hk.Memory(total=512 * MiB),
            heaps=(self.heap(),),
        )
        self.heaps = hk.simulate(board)
        self.sim = self.heaps["h"]
        self.model = self.naive()
        self.held = {}
        self.next_id = 0

    @rule(pages=st.integers(1, 24) | st.integers(1, PAGES + 2))
    def allocate(self, pages):
        expected = self.model.allocate(self.next_id, pages)
        try:
            buffer = self.sim.allocate(pages * PAGE)
        except OSError:
            assert expected is None
            return
        entries = [
            (e.address // PAGE - self.base_pfn, e.size // PAGE) for e in buffer.entries
        ]
        assert entries == expected
        self.held[self.next_id] = buffer
        self.next_id += 1

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def free(self, data):
        buffer = data.draw(st.sampled_from(sorted(self.held)))
        self.held.pop(buffer).close()
        self.model.free(buffer)

    @invariant()
    def gauges_agree(self):
        runs = [length for _, length in self.model.runs()]
        gauges = self.sim.gauges()
        assert gauges.free_bytes == sum(runs) * PAGE
        assert gauges.largest_free_bytes == max(runs, default=0) * PAGE

    @invariant()
    def holes_agree(self):
        holes = [
            (h.address // PAGE - self.base_pfn, h.size // PAGE)
            for h in self.sim.snapshot().holes
        ]
        assert holes == self.model.runs()

    @invariant()
    def core_is_consistent(self):
        self.heaps.check()

    def teardown(self):
        self.heaps.close()


def carveout(fit_, align_):
    class CarveoutMachine(AllocatorMachine):
        def heap(self):
            return hk.CarveoutHeap(
                name="h",
                size=PAGES * PAGE,
                base=BASE_PFN * PAGE,
                fit=fit_,
                align=align_ * PAGE,
            )

        def naive(self):
            return naive.Carveout(PAGES, BASE_PFN, fit=fit_, align=align_)

    return CarveoutMachine


def cma(cap):
    class CmaMachine(AllocatorMachine):
        def heap(self):
            return hk.CmaHeap(
                name="h",
                size=PAGES * PAGE,
                base=BASE_PFN * PAGE,
                alignment_order=cap,
            )

        def naive(self):
            return naive.Cma(PAGES, BASE_PFN, cap=cap)

    return CmaMachine


def chunk(pages):
    class ChunkMachine(AllocatorMachine):
        base_pfn = 0x1_0000

        def heap(self):
            return hk.ChunkHeap(
                name="h",
                size=PAGES * PAGE,
                base=self.base_pfn * PAGE,
                chunk=pages * PAGE,
            )

        def naive(self):
            return naive.Chunk(PAGES, self.base_pfn, chunk=pages)

    return ChunkMachine


def chunked_cma(pages):
    class ChunkedCmaMachine(AllocatorMachine):
        base_pfn = 0x1_0004  # a run of 16 pages does not start there

        def heap(self):
            return hk.CmaHeap(
                name="h",
                size=PAGES * PAGE,
                base=self.base_pfn * PAGE,
                chunk=pages * PAGE,
            )

        def naive(self):
            return naive.ChunkedCma(PAGES, self.base_pfn, chunk=pages)

    return ChunkedCmaMachine


MACHINES = {
    "first": carveout("first", 1),
    "best": carveout("best", 1),
    "first-align": carveout("first-align", 4),
    "order-align": carveout("order-align", 1),
    "cma-8": cma(8),
    "cma-2": cma(2),
    "cma-chunks-1": chunked_cma(1),
    "cma-chunks-4": chunked_cma(4),
    "chunk-1": chunk(1),
    "chunk-16": chunk(16),
}


@pytest.mark.parametrize("name", MACHINES)
def test_core_agrees_with_the_naive_allocator(name):
    steps = settings(max_examples=100, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(MACHINES[name], settings=steps)
