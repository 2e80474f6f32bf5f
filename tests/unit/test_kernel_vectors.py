# SPDX-License-Identifier: MIT
"""Placements worked by hand from the kernel's sources, through the public names.

lib/genalloc.c and lib/bitmap.c, mm/cma.c, drivers/dma-buf/heaps/system_heap.c,
and the message of Exynos' commit d985013f, which took deferred free away from
its carveout.
"""

import pytest

import heapkit as hk
from heapkit import KiB, MiB

PAGE = 4096
BASE = 0x4000_0000
MAP = "..###....##..#......"
SMALL = "#.#..#."


def region(pages, *, base=BASE, **more):
    heap = hk.CarveoutHeap(name="c", size=pages * PAGE, base=base, **more)
    return hk.simulate(hk.Board(name="vector", heaps=(heap,)))


def occupy(heap, picture):
    """Hold exactly the pages marked ``#``."""
    pages = [heap.allocate(PAGE) for _ in picture]
    for page, mark in zip(pages, picture, strict=True):
        if mark == ".":
            page.close()


def place(picture, pages, *, base=BASE, **more):
    """The page that ``pages`` pages are placed at, None if they are refused."""
    with region(len(picture), base=base, **more) as heaps:
        occupy(heaps["c"], picture)
        try:
            buffer = heaps["c"].allocate(pages * PAGE)
        except OSError:
            return None
        return (buffer.entries[0].address - base) // PAGE


@pytest.mark.parametrize(("pages", "at"), [(2, 0), (3, 5), (7, None)])
def test_first_fit_takes_the_first_hole_that_is_long_enough(pages, at):
    assert place(MAP, pages) == at


@pytest.mark.parametrize(
    ("pages", "at"), [(2, 0), (3, 5), (4, 5), (5, 14), (6, 14), (7, None)]
)
def test_best_fit_takes_the_lowest_of_the_smallest_holes(pages, at):
    assert place(MAP, pages, fit="best") == at


@pytest.mark.parametrize(("pages", "at"), [(1, 1), (2, 3)])
def test_best_fit_of_equal_holes_is_the_first(pages, at):
    assert place(SMALL, pages, fit="best") == at


@pytest.mark.parametrize(("pages", "at"), [(3, 16), (2, 0), (5, None)])
def test_order_align_counts_from_the_start_of_the_region(pages, at):
    for base in (BASE, BASE + 3 * PAGE):
        assert place(MAP, pages, fit="order-align", base=base) == at


def test_first_align_aligns_the_address_not_the_index():
    # Index 3 of a region that starts at page 1 of 4 is at a multiple of 4 pages.
    heap = {"fit": "first-align", "align": 4 * PAGE, "base": BASE + 1 * PAGE}
    with region(20, **heap) as heaps:
        addresses = [heaps["c"].allocate(2 * PAGE).entries[0].address for _ in range(4)]
    assert [(a - heap["base"]) // PAGE for a in addresses] == [3, 7, 11, 15]


def test_cma_aligns_the_pfn_not_the_index():
    board = hk.Board(
        name="vector",
        memory=hk.Memory(total=64 * MiB, base=0x1200_0000),
        heaps=(hk.CmaHeap(name="cma", size=1024 * PAGE, base=0x12345 * PAGE),),
    )
    with hk.simulate(board) as heaps:
        first, second = (heaps["cma"].allocate(300 * PAGE) for _ in range(2))
        assert first.entries[0].address == (0x12345 + 187) * PAGE == 0x12400 * PAGE
        assert second.entries[0].address == (0x12345 + 699) * PAGE == 0x12600 * PAGE


@pytest.mark.parametrize("order_per_bit", [0, 1, 2])
def test_cma_takes_the_pages_not_the_power_of_two(order_per_bit):
    board = hk.Board(
        name="vector",
        memory=hk.Memory(total=64 * MiB),
        heaps=(hk.CmaHeap(name="cma", size=4 * MiB, order_per_bit=order_per_bit),),
    )
    with hk.simulate(board) as heaps:
        heaps["cma"].allocate(5 * PAGE)
        # available_count drops by the count, whatever the bits cover.
        assert heaps["cma"].gauges().free_bytes == 4 * MiB - 5 * PAGE
        second = heaps["cma"].allocate(PAGE).entries[0]
        step = 1 << order_per_bit
        assert second.address // PAGE % 1024 == -(-5 // step) * step


@pytest.mark.parametrize(
    ("size", "counts"),
    [(8_294_400, {8: 7, 4: 14, 0: 9}), (12_441_600, {8: 11, 4: 13, 0: 14})],
)
def test_system_heap_splits_a_frame_into_orders_8_4_0(size, counts):
    with hk.simulate(hk.Board.preset("phone-8g")) as heaps:
        entries = [e.size for e in heaps["system"].allocate(size).entries]
    assert entries == sorted(entries, reverse=True)
    assert {o: entries.count(PAGE << o) for o in (8, 4, 0)} == counts


@pytest.mark.parametrize(
    ("one_kept_of", "size", "counts"),
    [
        # The shapes that Linux 6.12 gave in memory fragmented like this.
        (2, 1041 * PAGE, {0: 1041}),
        (32, 65 * 16 * PAGE + PAGE, {4: 65, 0: 1}),
        (512, 4 * MiB + 17 * PAGE, {8: 4, 4: 1, 0: 1}),
    ],
)
def test_system_heap_in_fragmented_memory_drops_to_orders_that_are_free(
    one_kept_of, size, counts
):
    memory = hk.Memory(total=16 * MiB, min_free=0)
    board = hk.Board(name="b", memory=memory, heaps=(hk.SystemHeap(),))
    with hk.simulate(board) as heaps:
        pages = [heaps["system"].allocate(PAGE) for _ in range(memory.total // PAGE)]
        for i, page in enumerate(pages):
            if i % one_kept_of:
                page.close()
        entries = [e.size for e in heaps["system"].allocate(size).entries]
        heaps.check()
    assert entries == [PAGE << o for o, n in counts.items() for _ in range(n)]


def test_system_heap_pages_ascend_in_idle_memory():
    with hk.simulate(hk.Board.preset("phone-8g")) as heaps:
        entries = heaps["system"].allocate(4 * MiB).entries
    addresses = [entry.address for entry in entries]
    assert addresses == [addresses[0] + i * MiB for i in range(4)]


def test_exynos_carveout_fails_with_deferred_free():
    with region(10, zero="free", deferred_free=True) as heaps:
        heap = heaps["c"]
        a, b = heap.allocate(4 * PAGE), heap.allocate(2 * PAGE)
        a.close()
        b.close()
        assert page_of(heap.allocate(3 * PAGE)) == 6
        heaps.advance(10**9)
        assert page_of(heap.allocate(4 * PAGE)) == 0
        holes = [(h.address - BASE, h.size) for h in heap.snapshot().holes]
        assert holes == [(4 * PAGE, 2 * PAGE), (9 * PAGE, PAGE)]
        with pytest.raises(OSError, match="c: "):
            heap.allocate(3 * PAGE)


def test_exynos_carveout_succeeds_with_immediate_free():
    with region(10, zero="free") as heaps:
        heap = heaps["c"]
        a, b = heap.allocate(4 * PAGE), heap.allocate(2 * PAGE)
        a.close()
        b.close()
        pages = [page_of(heap.allocate(n * PAGE)) for n in (3, 4, 3)]
    assert pages == [0, 3, 7]


def test_ion_carveout_drains_and_retries_before_it_fails():
    more = {"zero": "free", "deferred_free": True, "retry_drained": True}
    with region(10, **more) as heaps:
        heaps["c"].allocate(8 * PAGE).close()
        assert page_of(heaps["c"].allocate(8 * PAGE)) == 0


def test_chunk_heap_places_each_chunk_on_its_own():
    board = hk.Board(
        name="vector", heaps=(hk.ChunkHeap(name="v", size=MiB, base=BASE),)
    )
    with hk.simulate(board) as heaps:
        held = [heaps["v"].allocate(64 * KiB) for _ in range(4)]
        held[0].close()
        held[2].close()
        entries = heaps["v"].allocate(3 * 64 * KiB).entries
    assert [(e.address - BASE) // (64 * KiB) for e in entries] == [0, 2, 4]


def page_of(buffer):
    return (buffer.entries[0].address - BASE) // PAGE
