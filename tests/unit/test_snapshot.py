# SPDX-License-Identifier: MIT
"""What a snapshot and an observation say of themselves in one line."""

import pickle

import heapkit as hk
from heapkit import MiB, Region, State


def test_a_snapshot_of_many_regions_shows_as_one_line():
    layout = hk.read(hk.sample("rk_dma_heap_alloc_map_rv1106"))
    wanted = "<Snapshot of 'rk-dma-heap-cma': 44 regions, 22.2 MiB of 22.2 MiB in use>"
    assert repr(layout) == wanted


def test_an_observation_shows_as_one_line():
    seen = hk.read(hk.sample("bufinfo_amdgpu_5_14"))
    assert repr(seen) == "<Observation of 9 buffers, 36.82 MiB>"


def of_a_run():
    board = hk.Board(
        name="b", heaps=(hk.CarveoutHeap(name="camera", size=4 * MiB, base=1 << 35),)
    )
    trace = hk.Trace.from_columns(
        op=[0, 0, 1], buffer=[7, 9, 7], size=3 * [MiB], heap="camera", time_ns=[0, 1, 2]
    )
    return hk.replay(trace, board).snapshot(2, "camera")


def test_regions_of_a_run_read_as_a_tuple_of_them_does():
    regions = of_a_run().regions
    expected = (
        Region(1 << 35, MiB, State.FREE),
        Region((1 << 35) + MiB, MiB, State.USED, "#9"),
        Region((1 << 35) + 2 * MiB, 2 * MiB, State.FREE),
    )
    assert tuple(regions) == expected
    assert regions == expected
    assert regions != expected[:2]
    assert regions != "regions"
    assert (regions[1], regions[-1], regions[1:]) == (
        expected[1],
        expected[-1],
        expected[1:],
    )
    assert expected[1] in regions
    assert repr(regions) == "<3 regions>"
    assert pickle.loads(pickle.dumps(regions)) == regions  # noqa: S301 (its own bytes)


def test_sums_of_a_snapshot_are_those_of_its_regions():
    snapshot = of_a_run()
    assert snapshot.holes == (snapshot.regions[0], snapshot.regions[2])
    assert (snapshot.free_bytes, snapshot.used_bytes) == (3 * MiB, MiB)
    assert snapshot.largest_free == 2 * MiB
    assert snapshot.sizes(State.POOL).sum() == 0
