# SPDX-License-Identifier: MIT
"""Boards run by ION's rules, and what those do to a carveout."""

from __future__ import annotations

import errno

import pytest

import heapkit as hk
from heapkit import MiB, ion

CARVEOUT = {"camera": 4}


def exynos_board(size=10 * MiB):
    memory = hk.Memory(total=64 * MiB)
    heaps = (hk.SystemHeap(), hk.CarveoutHeap(name="camera", size=size))
    return hk.Board(name="exynos", memory=memory, heaps=heaps)


def where(client, handle):
    """MiB from the carveout's start."""
    base = client.heaps.board.heap("camera").base
    return (client.buffer(handle).entries[0].address - base) // MiB


def allocated(client, mib):
    return client.alloc(mib * MiB, heap_id_mask=client.mask("camera"))


def test_exynos_deferred_frees_fragment_the_carveout():
    """Commit d985013f: A=4 at 0, B=2 at 4, both freed; C=3; D=4; E=3 finds no room."""
    with ion.Client(ion.board(exynos_board()), CARVEOUT) as client:
        a, b = allocated(client, 4), allocated(client, 2)
        assert (where(client, a), where(client, b)) == (0, 4)
        client.free(a)
        client.free(b)
        c = allocated(client, 3)
        assert where(client, c) == 6
        client.heaps.advance(10**9)
        assert where(client, allocated(client, 4)) == 0
        with pytest.raises(OSError, match="camera") as caught:
            allocated(client, 3)
        assert caught.value.errno == errno.ENOMEM


def test_exynos_immediate_frees_leave_room():
    board = ion.board(exynos_board(), deferred_carveouts=False)
    with ion.Client(board, CARVEOUT) as client:
        a, b = allocated(client, 4), allocated(client, 2)
        client.free(a)
        client.free(b)
        places = [where(client, allocated(client, mib)) for mib in (3, 4, 3)]
        assert places == [0, 3, 7]


def test_request_without_room_drains_the_list_and_tries_again():
    with ion.Client(ion.board(exynos_board()), CARVEOUT) as client:
        client.free(allocated(client, 10))
        assert client.heaps["camera"].gauges().deferred_bytes == 10 * MiB
        assert where(client, allocated(client, 10)) == 0
        assert client.heaps["camera"].gauges().deferred_bytes == 0


def test_drained_heap_that_is_full_falls_back_to_the_next():
    ids = {"camera": 4, "system": 0}
    with ion.Client(ion.board(exynos_board()), ids) as client:
        mask = client.mask("camera", "system")
        handles = [client.alloc(6 * MiB, heap_id_mask=mask) for _ in range(2)]
        served = [client.buffer(handle).exp_name for handle in handles]
        assert served == ["camera", "system"]


def test_carveout_clears_when_it_is_freed():
    heap = ion.board(exynos_board()).heap("camera")
    assert (heap.zero, heap.deferred_free, heap.retry_drained) == ("free", True, True)


def test_system_heaps_have_ions_pools():
    preset = hk.Board.preset("phone-8g")
    board = ion.board(preset)
    for name in ("system", "system-pooled"):
        heap = board.heap(name)
        assert heap.orders == preset.heap(name).orders
        assert heap.max_share == "half"
        assert heap.pool == hk.PagePool(shrink="descending", unwind="pool")


def test_pool_of_other_orders_keeps_them():
    board = hk.Board.preset("phone-8g")
    board = board.replace({"system-pooled.orders": (9, 4, 0)})
    assert ion.board(board).heap("system-pooled").pool.orders == (9, 4, 0)


def test_chunk_heap_clears_at_free():
    heaps = (hk.ChunkHeap(name="video", size=4 * MiB),)
    assert ion.board(hk.Board(name="b", heaps=heaps)).heap("video").zero == "free"


def test_heap_that_ion_never_had_stays():
    heaps = (hk.SystemHeap(name="cc", encrypted=True), hk.UdmabufHeap())
    board = hk.Board(name="b", memory=hk.Memory(total=64 * MiB), heaps=heaps)
    assert ion.board(board).heaps == board.heaps


def test_failed_allocation_leaves_its_pages_in_the_pools():
    """ion_system_heap.c unwinds into the pools, Android's system_heap.c does not."""
    memory = hk.Memory(total=64 * MiB)
    other = hk.PageLoad(name="other", migratetype="unmovable")
    pooled = hk.SystemHeap(pool=hk.PagePool())
    board = hk.Board(name="b", memory=memory, heaps=(pooled, other))
    held = {}
    for name, board_of in (("android", board), ("ION", ion.board(board))):
        with hk.simulate(board_of) as heaps:
            heaps["other"].allocate(40 * MiB)
            with pytest.raises(OSError, match="system"):
                heaps["system"].allocate(30 * MiB)
            held[name] = heaps["system"].gauges().pool_bytes
    assert held["android"] == 0
    assert held["ION"] > 20 * MiB


def test_every_attachment_is_maintained():
    assert ion.board(exynos_board()).sync.attachments == "all"


def test_other_heaps_and_the_name_of_the_board_stay():
    preset = hk.Board.preset("phone-8g")
    board = ion.board(preset)
    for name in ("default_cma_region", "protected,secure-video"):
        assert board.heap(name) == preset.heap(name)
    assert board.name == "phone-8g, ION"
    assert board.devices == preset.devices


@pytest.mark.parametrize("board", [None, "phone-8g"])
def test_only_a_board_is_made_ions(board):
    with pytest.raises(ValueError, match="board="):
        ion.board(board)
