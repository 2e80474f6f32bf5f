# SPDX-License-Identifier: MIT
"""A real kernel's CMA area, recorded operation by operation, against the model.

Linux 6.12.117, ``cma=16M``: 125 allocations and 74 frees, once with nothing else
going on and once with movable pages in the area. Every position, ``used``,
``maxchunk`` and bitmap after every operation has to be the kernel's.
"""

import numpy as np
import pytest

import heapkit as hk
from heapkit import metrics
from heapkit.importers import cma_trace

RECORDINGS = cma_trace.read_all(hk.sample("cma_trace_16M.json"))
PAGE = 4096


def board_of(area, *, alignment_order):
    return hk.Board(
        name="recorded",
        memory=hk.Memory(total=512 << 20),
        heaps=(
            hk.CmaHeap(
                name=area.heap,
                base=area.base_pfn * PAGE,
                size=area.count * PAGE,
                order_per_bit=area.order_per_bit,
                alignment_order=alignment_order,
            ),
        ),
    )


def replay(recording, **changes):
    order = changes.get("alignment_order", recording.alignment_order)
    board = board_of(recording.area, alignment_order=order)
    return hk.replay(recording.trace, board, check_every=1)


def offsets(run, recording):
    """The page of each successful allocation within the area; -1 elsewhere."""
    placed = (run["op"] == hk.Op.ALLOC) & (run["status"] == 0)
    pages = (run["address"] // PAGE).astype(np.int64) - recording.area.base_pfn
    return np.where(placed, pages, -1)


@pytest.fixture(params=sorted(RECORDINGS), scope="module")
def recording(request):
    return RECORDINGS[request.param]


@pytest.fixture(scope="module")
def run(recording):
    return replay(recording)


def test_recordings_are_the_quiet_one_and_one_under_pressure():
    assert len(RECORDINGS) == 2
    assert {len(recording) for recording in RECORDINGS.values()} == {199}


def test_the_kernel_and_the_model_refuse_the_same_requests(run, recording):
    is_alloc = run["op"] == hk.Op.ALLOC
    assert np.count_nonzero(recording.status[is_alloc]) == 70
    assert run["status"][is_alloc].tolist() == recording.status[is_alloc].tolist()


def test_every_buffer_is_placed_where_the_kernel_placed_it(run, recording):
    is_alloc = run["op"] == hk.Op.ALLOC
    expected = recording.offset_pages[is_alloc].tolist()
    assert offsets(run, recording)[is_alloc].tolist() == expected


def test_used_pages_are_the_kernels_after_every_operation(run, recording):
    used = recording.area.count - run["free_bytes"].astype(np.int64) // PAGE
    assert used.tolist() == recording.used.tolist()


def test_longest_free_run_is_the_kernels_after_every_operation(run, recording):
    longest = run["largest_free_bytes"] // PAGE
    assert longest.tolist() == recording.maxchunk.tolist()


def test_bitmap_is_the_kernels_after_every_operation(run, recording):
    rows = metrics.lifetimes(run, recording.area.heap)
    base = recording.area.base_pfn * PAGE
    for event, runs in enumerate(recording.runs):
        taken = np.zeros(recording.area.count, bool)
        for start, length in runs:
            taken[start : start + length] = True
        live = metrics.layout_at(rows, event)
        pages = metrics.cells(live, base, recording.area.count * PAGE, len(taken))
        assert np.array_equal(pages == 255, taken), event
        assert not np.any((pages > 0) & (pages < 255)), event


@pytest.mark.parametrize("event", [0, 50, 120, 198])
def test_snapshot_of_the_core_is_the_kernels_bitmap(run, recording, event):
    core = run.snapshot(event, recording.area.heap)
    kernel = recording.snapshot(event)
    assert core.used_bytes == kernel.used_bytes
    assert [(h.address, h.size) for h in core.holes] == [
        (h.address, h.size) for h in kernel.holes
    ]


@pytest.mark.parametrize("order", [7, 9, 12, 0])
def test_recording_tells_another_alignment_from_the_kernels(order):
    recording = RECORDINGS["quiet"]
    other = replay(recording, alignment_order=order)
    is_alloc = other["op"] == hk.Op.ALLOC
    differ = offsets(other, recording) != recording.offset_pages
    assert np.count_nonzero(differ & is_alloc) > 0
