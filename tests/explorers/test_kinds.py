# SPDX-License-Identifier: MIT
"""What each explorer shows, held against the run it comes from."""

import numpy as np
import pytest

import heapkit as hk
from heapkit import MiB, metrics
from heapkit.explorers import panel as controls


def test_the_strip_shows_the_buffers_that_live_at_the_event(carveout):
    carveout.event.value = 2000
    live = metrics.layout_at(metrics.lifetimes(carveout.run, "camera"), 2000)
    owner = np.asarray(carveout._strip.data["owner"])
    assert set(owner[owner >= 0]) == set(live["buffer"])


def test_a_size_is_a_replay_on_a_board_of_that_size(carveout, trace, board):
    carveout.size.value = 128 * MiB
    run = hk.replay(trace, board.replace({"camera.size": 128 * MiB}))
    assert (carveout.run["address"] == run["address"]).all()
    assert (carveout.run["status"] == run["status"]).all()


def test_the_fit_of_the_board_is_the_one_chosen_first(carveout, board):
    assert carveout.fit.value == board.heap("camera").fit


def test_moving_the_event_does_not_replay(carveout):
    run = carveout.run
    carveout.event.value = 17
    assert carveout.run is run
    assert carveout._cursor.location == 17


def outside_the_largest(run):
    free = run["free_bytes"].astype(np.int64)
    return free - run["largest_free_bytes"].astype(np.int64)


def test_it_opens_at_a_refusal(carveout):
    assert metrics.refused(carveout.run, "camera")[carveout.event.value]


def test_it_opens_where_most_free_memory_is_in_pieces(board):
    alone = hk.workloads.mixed_media(seed=1, events=1000, heap="camera")
    panel = hk.explore.carveout(alone, board.replace({"camera.size": 1024 * MiB}))
    outside = outside_the_largest(panel.run)
    assert not metrics.refused(panel.run, "camera").any()
    assert outside[panel.event.value] == outside.max()
    panel.close()


def test_a_held_run_stays_when_the_size_changes(carveout):
    carveout.compare.value = True
    held = carveout._held.data["free"].copy()
    carveout.size.value = 128 * MiB
    assert (carveout._held.data["free"] == held).all()
    assert not np.array_equal(carveout._gauges.data["free"], held)
    carveout.compare.value = False
    assert len(carveout._held.data["free"]) == 0


def test_the_page_map_is_drawn_only_when_it_is_shown(carveout):
    assert carveout._map.value == b""
    carveout.pages.value = True
    assert bytes(carveout._map.value).startswith(b"\x89PNG")


def test_a_selection_is_summed_up_in_the_status_line(carveout):
    carveout._strip.selected.indices = [0, 1, 2]
    assert "selected:" in carveout._status.value


def test_a_cma_heap_has_sizes_but_no_fit(trace, board):
    cma = hk.workloads.mixed_media(seed=1, events=400, heap="default_cma_region")
    panel = hk.explore.carveout(cma, board, heap="default_cma_region")
    panel.size.value = 64 * MiB
    assert panel.error is None
    assert panel.fit.value is None
    panel.close()


def test_a_heap_without_regions_is_refused(trace, board):
    with pytest.raises(ValueError, match="heap='system'"):
        hk.explore.carveout(trace, board, heap="system")


def test_a_heap_that_is_not_there_is_refused(trace, board):
    with pytest.raises(ValueError, match=r"heap='camara'.*system-pooled"):
        hk.explore.pool(trace, board, heap="camara")


def test_a_board_without_a_carveout_is_refused(trace):
    board = hk.Board(
        name="bare", memory=hk.Memory(total=64 * MiB), heaps=(hk.SystemHeap(),)
    )
    with pytest.raises(ValueError, match="board='bare'"):
        hk.explore.carveout(trace, board)


def test_a_pool_switched_off_serves_nothing(pool):
    assert pool._hits.data["hits"].sum() > 0
    pool.pooled.value = False
    assert pool.error is None
    assert pool._hits.data["hits"].sum() == 0
    assert (np.asarray(pool._on.data["ns"]) == np.asarray(pool._off.data["ns"])).all()


def test_without_refill_the_marks_are_hidden_and_their_sliders_rest(pool):
    assert [mark.visible for mark in pool._marks] == [False, False]
    assert pool.fill.disabled
    pool.refill.value = True
    assert [mark.location for mark in pool._marks] == [100 * MiB, 40 * MiB]
    assert not pool.fill.disabled


def test_refill_is_what_the_board_says_of_its_pool(pool, trace, board):
    pool.state = {"refill": True, "fill_mib": 20, "low_percent": 50}
    given = hk.PagePool(orders=(8, 4, 0), fill=20 * MiB, low=10 * MiB)
    run = hk.replay(trace, board.replace({"system-pooled.pool": given}))
    assert (pool.run["latency_ns"] == run["latency_ns"]).all()


def test_a_heap_that_nobody_asks_says_so(board):
    trace = hk.workloads.mixed_media(seed=1, events=200, heap="camera")
    panel = hk.explore.pool(trace, board)
    assert panel.error is None
    assert "no event asks system-pooled" in panel._facts.value
    panel.close()


def test_a_coherent_device_pays_for_no_line(sync):
    assert sync._parts["clean lines"][2] > 0
    sync.coherent.value = True
    assert sync._parts["clean lines"].tolist() == [0] * 9
    assert sync._parts["invalidate lines"].tolist() == [0] * 9


def test_each_device_adds_the_same(sync):
    lines = sync._parts["clean lines"]
    assert np.diff(lines) == pytest.approx(lines[1])


def test_the_number_of_devices_only_moves_the_cursor(sync):
    parts = sync._parts
    sync.devices.value = 7
    assert sync._parts is parts
    assert sync._cursor.location == 7


def test_the_buffer_begins_as_the_largest_of_the_trace(sync, trace):
    assert sync.size.value == trace.size[trace.op == hk.Op.ALLOC].max()


def test_the_constants_are_shown_with_their_status(sync):
    assert "clean_line" in sync._constants.value
    assert "assumed" in sync._constants.value


@pytest.mark.parametrize("size", [4096, 1 * MiB, 63 * MiB, 64 * MiB, 600 * MiB])
def test_sizes_offered_are_pages_around_the_size(size):
    sizes = [value for _, value in controls.sizes_around(size)]
    assert size in sizes
    assert sizes == sorted(set(sizes))
    assert all(value % 4096 == 0 and 0 < value <= 2 * size for value in sizes)
    assert len(sizes) <= 130
    assert len({label for label, _ in controls.sizes_around(size)}) == len(sizes)
