# SPDX-License-Identifier: MIT
"""What a fallback costs, against what the first heap would have."""

from __future__ import annotations

import pytest

import heapkit as hk
from heapkit import MiB, fallback, ion

CHAIN = "camera|system"


def board_of(*heaps, total=256 * MiB, **more):
    return hk.Board(
        name="b", memory=hk.Memory(total=total), heaps=(hk.SystemHeap(), *heaps), **more
    )


@pytest.fixture
def board():
    isp = hk.Device("isp")
    return board_of(hk.CarveoutHeap(name="camera", size=4 * MiB), devices=(isp,))


def trace_of(*buffers, chain=CHAIN, sync=1):
    """Each buffer of so many bytes taken, mapped, read so often, and kept."""
    rows = []
    for i, size in enumerate(buffers):
        rows += [(hk.Op.ALLOC, i, size), (hk.Op.ATTACH, i, 0), (hk.Op.MAP, i, 0)]
        rows += [(hk.Op.BEGIN_CPU, i, 0), (hk.Op.END_CPU, i, 0)] * sync
    rows += [(hk.Op.UNMAP, i, 0) for i in range(len(buffers))]
    op, buffer, size = zip(*rows, strict=True)
    return hk.Trace.from_columns(
        op=op,
        buffer=buffer,
        size=size,
        heap=chain,
        time_ns=range(len(rows)),
        device="isp",
    )


def test_buffer_that_fell_back_has_a_row(board):
    run = hk.replay(trace_of(4 * MiB, 2 * MiB + 4096), board)
    (row,) = fallback.costs(run, by="buffer").to_dict("records")
    assert (row["buffer"], row["first"], row["heap"]) == (1, "camera", "system")
    assert (row["entries"], row["entries_first"]) == (3, 1)


def test_later_events_of_a_buffer_are_its_own(board):
    run = hk.replay(trace_of(4 * MiB, 2 * MiB + 4096, sync=3), board)
    (row,) = fallback.costs(run, by="buffer").to_dict("records")
    frame = run.to_frame()
    mine = frame[frame.buffer == 1].groupby("op", observed=True).latency_ns.sum()
    assert row["sync_ns"] == mine["BEGIN_CPU"] + mine["END_CPU"]
    assert row["map_ns"] == mine["MAP"] + mine["UNMAP"]
    assert row["attach_ns"] == mine["ATTACH"]


def test_more_entries_cost_more_in_each_use(board):
    run = hk.replay(trace_of(4 * MiB, 2 * MiB + 4096), board)
    (row,) = fallback.costs(run, by="buffer").to_dict("records")
    costs = board.costs
    for part, each in (
        ("attach", costs["attach_entry"].value),
        ("sync", 2 * costs["sync_entry"].value),
    ):
        assert row[f"{part}_ns"] - row[f"{part}_first_ns"] == 2 * each
    assert row["map_ns"] > row["map_first_ns"]


def test_extra_is_the_sum_of_the_differences(board):
    run = hk.replay(trace_of(4 * MiB, 2 * MiB, 3 * MiB), board)
    table = fallback.costs(run, by="buffer")
    parts = [table[f"{p}_ns"] - table[f"{p}_first_ns"] for p in fallback.PARTS]
    assert (table["extra_ns"] == sum(parts)).all()


def test_heaps_sum_their_buffers(board):
    run = hk.replay(trace_of(4 * MiB, 2 * MiB, 3 * MiB), board)
    (row,) = fallback.costs(run).to_dict("records")
    table = fallback.costs(run, by="buffer")
    assert (row["first"], row["heap"], row["fallbacks"]) == ("camera", "system", 2)
    for column in fallback.SUMMED:
        assert row[column] == table[column].sum()


def test_run_without_fallbacks_is_an_empty_table(board):
    run = hk.replay(trace_of(2 * MiB), board)
    for by in ("buffer", "heap"):
        table = fallback.costs(run, by=by)
        assert len(table) == 0
        assert "extra_ns" in table


def test_empty_trace_is_an_empty_table(board):
    empty = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    assert len(fallback.costs(hk.replay(empty, board))) == 0


def test_request_that_no_heap_serves_is_no_fallback(board):
    run = hk.replay(trace_of(1 << 34), board)
    assert len(fallback.costs(run)) == 0


def test_id_used_again_is_another_buffer(board):
    op = [hk.Op.ALLOC, hk.Op.FREE] * 2
    trace = hk.Trace.from_columns(
        op=op,
        buffer=[0] * 4,
        size=[2 * MiB, 0, 8 * MiB, 0],
        heap=CHAIN,
        time_ns=range(4),
    )
    table = fallback.costs(hk.replay(trace, board), by="buffer")
    assert list(table["event"]) == [2]
    costs = board.costs
    blocks = 8 * costs["buddy_block"].value
    assert table["free_ns"][0] == costs["free_call"].value + blocks


def test_pressure_belongs_to_no_buffer(board):
    trace = hk.Trace.from_columns(
        op=[hk.Op.ALLOC, hk.Op.PRESSURE],
        buffer=[0, 0],
        size=[8 * MiB, MiB],
        heap=CHAIN,
        time_ns=[0, 1],
    )
    assert len(fallback.costs(hk.replay(trace, board))) == 1


FIRST_HEAPS = {
    "carveout": hk.CarveoutHeap(name="camera", size=4 * MiB),
    "carveout with a base": hk.CarveoutHeap(name="camera", size=4 * MiB, base=1 << 36),
    "carveout inside": hk.CarveoutHeap(name="camera", size=4 * MiB, base=0),
    "CMA": hk.CmaHeap(name="camera", size=4 * MiB),
    "CMA of two ranges": hk.CmaHeap(
        name="camera", ranges=((0, 4 * MiB), (8 * MiB, 2 * MiB))
    ),
    "chunks": hk.ChunkHeap(name="camera", size=4 * MiB),
    "secure": hk.SecureHeap(name="camera", size=4 * MiB),
}


@pytest.mark.parametrize("kind", FIRST_HEAPS)
def test_any_heap_is_made_large_enough(kind):
    run = hk.replay(trace_of(3 * MiB, 3 * MiB, 5 * MiB), board_of(FIRST_HEAPS[kind]))
    assert len(fallback.fallen(run)) == 2
    ample = fallback.ample_run(run)
    assert len(fallback.fallen(ample)) == 0
    assert {ample.heap_names[i] for i in ample["heap"]} == {"camera"}


def test_system_heap_is_made_large_enough_by_its_memory():
    board = board_of(hk.CarveoutHeap(name="camera", size=64 * MiB), total=16 * MiB)
    run = hk.replay(trace_of(12 * MiB, 12 * MiB, chain="system|camera"), board)
    assert len(fallback.fallen(run)) == 1
    assert len(fallback.fallen(fallback.ample_run(run))) == 0


def test_ion_falls_back_in_one_call(board):
    trace = trace_of(4 * MiB, 2 * MiB)
    masked = ion.trace(trace, {"camera": 4, "system": 0})
    chain, mask = (fallback.costs(hk.replay(t, board)) for t in (trace, masked))
    calls = board.costs["allocate_call"].value
    assert chain["allocate_ns"][0] - mask["allocate_ns"][0] == calls


@pytest.mark.parametrize("by", ["page", None, ""])
def test_table_is_by_heap_or_by_buffer(board, by):
    with pytest.raises(ValueError, match="by="):
        fallback.costs(hk.replay(trace_of(MiB), board), by=by)


def test_only_a_run_has_costs():
    with pytest.raises(ValueError, match="run="):
        fallback.costs(None)


def test_reads_of_an_uncached_heap_are_counted():
    heaps = (
        hk.CarveoutHeap(name="camera", size=4 * MiB),
        hk.SystemHeap(name="uncached", uncached=True),
    )
    op = [hk.Op.ALLOC, hk.Op.CPU_READ]
    columns = {"buffer": [0, 0], "size": [8 * MiB, MiB], "time_ns": [0, 1]}
    trace = hk.Trace.from_columns(op=op, heap="camera|uncached", **columns)
    (row,) = fallback.costs(hk.replay(trace, board_of(*heaps))).to_dict("records")
    assert row["access_ns"] >= 5 * row["access_first_ns"] > 0


def test_parts_together_are_all_that_a_run_was_charged():
    run = hk.replay(hk.workloads.camera_boot(launches=2), hk.Board.preset("phone-8g"))
    owner = fallback.counting._owners(run.trace)
    paid = sum(fallback.counting._paid(run, part, owner) for part in fallback.PARTS)
    assert paid.sum() == run["latency_ns"].sum()
    assert not paid[run["op"] != hk.Op.ALLOC].any()
