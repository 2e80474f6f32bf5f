# SPDX-License-Identifier: MIT
"""Numbers about a layout or a run."""

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op, metrics

# Worked by hand from mm/vmstat.c: 512 + 2·256 + 4·64 + 16·8 = 1408 pages.
BLOCKS = (512, 256, 64, 0, 8, 0, 0, 0, 0, 0, 0)
NOTHING = np.zeros(0, metrics.LIFETIME)


@pytest.fixture
def board():
    return hk.Board(
        name="regions",
        heaps=(
            hk.CarveoutHeap(name="camera", size=64 * KiB, base=0x1000_0000),
            hk.ChunkHeap(name="video", size=1 * MiB),
        ),
    )


def trace(*rows, heap="camera"):
    ops, buffers, sizes = zip(*rows, strict=True)
    return hk.Trace.from_columns(
        op=[Op[op] for op in ops],
        buffer=buffers,
        size=sizes,
        heap=heap,
        time_ns=range(len(rows)),
    )


@pytest.fixture
def run(board):
    rows = [
        ("ALLOC", 10, 4 * KiB),
        ("ALLOC", 11, 8 * KiB + 1),
        ("FREE", 10, 0),
        ("ALLOC", 12, 1 * MiB),
        ("FREE", 12, 0),
        ("ALLOC", 10, 8 * KiB),
    ]
    return hk.replay(trace(*rows), board)


def layout(*pairs):
    rows = np.zeros(len(pairs), metrics.LIFETIME)
    rows["address"], rows["size"] = zip(*pairs, strict=True)
    return rows


@pytest.mark.parametrize(("order", "index"), [(0, 0), (2, 727), (4, 909), (8, 1000)])
def test_unusable_free_index_is_the_kernels(order, index):
    assert metrics.unusable_free_index(BLOCKS, order) == index


@pytest.mark.parametrize(("order", "index"), [(8, 993), (4, -1000), (0, -1000)])
def test_fragmentation_index_is_the_kernels(order, index):
    assert metrics.fragmentation_index(BLOCKS, order) == index


@pytest.mark.parametrize(("order", "percent"), [(0, 0), (2, 72), (4, 90), (8, 100)])
def test_extfrag_is_the_kernels(order, percent):
    assert metrics.extfrag(BLOCKS, order) == percent


def test_indices_of_empty_memory_are_the_kernels():
    empty = (0,) * 11
    assert metrics.unusable_free_index(empty, 3) == 1000
    assert metrics.fragmentation_index(empty, 3) == 0
    assert metrics.extfrag(empty, 3) == 0


def test_indices_take_numpy_counts_without_overflow():
    counts = np.array(BLOCKS, dtype=np.uint64)
    assert metrics.unusable_free_index(counts, 8) == 1000


def test_fragmentation_is_the_share_outside_the_longest_run():
    assert metrics.fragmentation(100, 75) == 0.25
    assert metrics.fragmentation(0, 0) == 0.0
    several = metrics.fragmentation([0, 10, 8], [0, 10, 2])
    assert several.tolist() == [0.0, 0.0, 0.75]


def test_fragmentation_takes_gauges(run):
    shares = metrics.fragmentation(run["free_bytes"], run["largest_free_bytes"])
    assert shares.shape == (6,)
    assert shares[0] == 0


def test_lifetime_runs_from_alloc_to_free(run):
    rows = metrics.lifetimes(run, "camera")
    assert rows["start"].tolist() == [0, 1, 5]
    assert rows["end"].tolist() == [2, 6, 6]
    assert rows["buffer"].tolist() == [10, 11, 10]


def test_lifetime_has_the_place_in_whole_pages(run):
    rows = metrics.lifetimes(run, "camera")
    assert rows["size"].tolist() == [4 * KiB, 12 * KiB, 8 * KiB]
    assert (rows["address"] - np.uint64(0x1000_0000)).tolist() == [0, 4096, 16384]


def test_lifetime_of_a_chunk_heap_is_in_whole_chunks(board):
    run = hk.replay(trace(("ALLOC", 1, 65 * KiB), heap="video"), board)
    assert metrics.lifetimes(run, "video")["size"].tolist() == [128 * KiB]


def test_lifetimes_of_an_idle_heap_are_none(run):
    assert len(metrics.lifetimes(run, "video")) == 0
    assert metrics.held_bytes(run, "video").tolist() == [0] * 6


def test_lifetimes_of_an_unknown_heap_are_refused(run):
    with pytest.raises(ValueError, match=r"'nope'.*camera, video"):
        metrics.lifetimes(run, "nope")


def test_held_bytes_follow_allocations_and_frees(run):
    held = metrics.held_bytes(run, "camera")
    assert (held // 4096).tolist() == [1, 4, 3, 3, 3, 5]


def test_layout_is_what_lives_after_an_event(run):
    rows = metrics.lifetimes(run, "camera")
    assert metrics.layout_at(rows, 1)["buffer"].tolist() == [10, 11]
    assert metrics.layout_at(rows, 2)["buffer"].tolist() == [11]
    assert metrics.layout_at(rows, 5)["buffer"].tolist() == [11, 10]


def test_layout_agrees_with_the_cores_own(run):
    rows = metrics.lifetimes(run, "camera")
    for event in range(len(run)):
        live = metrics.layout_at(rows, event)
        core = run.snapshot(event, "camera")
        used = {(r.address, r.size) for r in core.regions if r.owner}
        assert used == set(zip(live["address"], live["size"], strict=True))


def test_cells_say_how_full_each_part_is():
    rows = layout((0x1000, 0x1000), (0x3000, 0x800))
    assert metrics.cells(rows, 0, 0x4000, 4).tolist() == [0, 255, 0, 128]


def test_cells_between_empty_and_full_are_neither():
    barely, almost = layout((0, 1)), layout((0, (1 << 20) - 1))
    assert metrics.cells(barely, 0, 1 << 20, 1).tolist() == [1]
    assert metrics.cells(almost, 0, 1 << 20, 1).tolist() == [254]


def test_cells_of_an_empty_layout_are_empty():
    assert metrics.cells(NOTHING, 0, 8, 2).tolist() == [0, 0]


def test_cells_ignore_what_lies_outside():
    rows = layout((0, 0x1000), (0x5000, 0x1000))
    assert metrics.cells(rows, 0x2000, 0x2000, 2).tolist() == [0, 0]


def test_cells_equal_a_page_by_page_count():
    random = np.random.default_rng(3)
    edges = np.sort(random.choice(4096, 128, replace=False)) * 4096
    rows = layout(*zip(edges[::2], (edges[1::2] - edges[::2]), strict=True))
    pages = np.zeros(4096, bool)
    for address, size in zip(rows["address"], rows["size"], strict=True):
        pages[address // 4096 : (address + size) // 4096] = True
    expected = np.rint(pages.reshape(64, 64).mean(axis=1) * 255)
    assert metrics.cells(rows, 0, 4096 * 4096, 64).tolist() == expected.tolist()


@pytest.mark.parametrize(("size", "n"), [(0, 4), (4096, 0), (-1, 1)])
def test_cells_of_nothing_are_refused(size, n):
    with pytest.raises(ValueError, match="n_cells, size"):
        metrics.cells(NOTHING, 0, size, n)


def test_envelope_keeps_every_extreme():
    y = np.zeros(100_000)
    y[[7, 50_000, 99_999]] = 9, -5, 3
    x, low, high = metrics.envelope(np.arange(100_000), y, 500)
    assert len(x) <= 500
    assert (low.min(), high.max(), high[-1]) == (-5, 9, 3)


def test_envelope_follows_x_not_the_index():
    x = np.concatenate((np.arange(1000), [1_000_000]))
    first, low, high = metrics.envelope(x, x, 10)
    assert first.tolist() == [0, 1_000_000]
    assert (low.tolist(), high.tolist()) == ([0, 1_000_000], [999, 1_000_000])


def test_envelope_of_few_points_is_the_points():
    x, low, high = metrics.envelope([0, 1], [5, 6], 10)
    assert (x.tolist(), low.tolist(), high.tolist()) == ([0, 1], [5, 6], [5, 6])


def test_envelope_takes_all_points_at_one_x():
    x, low, high = metrics.envelope([4] * 50, range(50), 10)
    assert (x.tolist(), low.tolist(), high.tolist()) == ([4], [0], [49])


@pytest.mark.parametrize(
    ("x", "y", "n"), [([1], [1, 2], 5), ([[1]], [[1]], 5), ([1], [1], 0)]
)
def test_envelope_refuses_other_shapes(x, y, n):
    with pytest.raises(ValueError, match="allowed"):
        metrics.envelope(x, y, n)


def test_percentiles_are_values_that_occur():
    assert metrics.percentiles([1, 2, 3, 100]) == {
        "p50": 2,
        "p90": 100,
        "p99": 100,
        "max": 100,
    }


def test_percentiles_of_nothing_are_none():
    assert set(metrics.percentiles([]).values()) == {None}


def test_failure_rate_counts_allocations_only(run):
    assert metrics.failure_rate(run) == 0.25


def test_failure_rate_without_allocations_is_zero(board):
    assert metrics.failure_rate(hk.replay(trace(("PRESSURE", 0, 1)), board)) == 0.0


def test_failure_rate_of_a_heap_counts_what_went_elsewhere(board):
    chain = "camera|video"
    rows = [("ALLOC", 1, 48 * KiB), ("ALLOC", 2, 48 * KiB), ("FREE", 2, 0)]
    run = hk.replay(trace(*rows, heap=chain), board)
    assert metrics.failure_rate(run) == 0.0
    assert metrics.failure_rate(run, "camera") == 0.5
    assert metrics.failure_rate(run, "video") == 0.0


def test_tried_is_true_for_the_heaps_an_allocation_came_to(board):
    rows = [("ALLOC", 1, 48 * KiB), ("ALLOC", 2, 48 * KiB), ("FREE", 2, 0)]
    run = hk.replay(trace(*rows, heap="camera|video"), board)
    assert metrics.tried(run, "camera").tolist() == [True, True, False]
    assert metrics.tried(run, "video").tolist() == [False, True, False]
