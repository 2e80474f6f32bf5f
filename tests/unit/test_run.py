# SPDX-License-Identifier: MIT
"""What a replay returns."""

import copy
import json
import pickle

import numpy as np
import pytest

import heapkit as hk
from heapkit import MiB, Op


@pytest.fixture
def run(bench):
    trace = hk.Trace.from_columns(
        op=[Op.ALLOC, Op.ALLOC, Op.ALLOC, Op.FREE, Op.ALLOC, Op.PRESSURE],
        buffer=[5, 6, 7, 5, 8, 0],
        size=[10 * MiB, 5 * MiB, 4 * MiB, 0, 300 * MiB, 4096],
        heap=["camera|system", "camera", "camera|system", "", "camera|system", ""],
        time_ns=[0, 10, 20, 30, 40, 50],
    )
    return hk.replay(trace, bench)


def test_columns_are_views_in_trace_order(run):
    assert run["op"].tolist() == [0, 0, 0, 1, 0, 8]
    assert run["buffer"].tolist() == [5, 6, 7, 5, 8, 0]
    assert run["time_ns"] is not None
    assert {len(run[name]) for name in run.columns} == {6}
    assert np.shares_memory(run["status"], run["status"])


def test_every_column_is_read_only(run):
    for name in run.columns:
        with pytest.raises(ValueError, match="read-only"):
            run[name][0] = 1


def test_column_types_are_the_cores(run):
    assert run["status"].dtype == np.int32
    assert run["heap"].dtype == np.int16
    assert run["latency_ns"].dtype == np.uint64


def test_unknown_column_lists_the_columns(run):
    with pytest.raises(KeyError, match=r"'nope'.*status.*latency_ns.*free_bytes"):
        run["nope"]


def test_heap_of_each_event_is_an_index_into_the_boards(run):
    names = [*run.heap_names, None]
    seen = [names[index] for index in run["heap"]]
    assert seen == ["camera", "camera", "system", "camera", "system", None]


def test_summary_counts(run):
    summary = run.summary()
    assert summary["events"] == 6
    assert (summary["allocations"], summary["failures"]) == (4, 1)
    assert summary["failure_rate"] == 0.25
    assert summary["failures_by_errno"] == {"ENOMEM": 1}
    assert summary["fallbacks"] == 1
    assert summary["served_by_heap"]["camera"] == 2
    assert summary["served_by_heap"]["video"] == 0


def test_summary_has_peaks_and_lows(run):
    summary = run.summary()
    assert summary["peak_used_bytes"]["camera"] == 15 * MiB
    assert summary["peak_used_bytes"]["system"] == 4 * MiB
    assert summary["min_largest_free_bytes"]["camera"] == 1 * MiB
    assert "video" not in summary["min_free_bytes"]


def test_summary_has_the_latency_of_served_allocations(run):
    latency = run.summary()["allocation_latency_ns"]
    served = run["latency_ns"][:3]
    assert latency["max"] == served.max()
    assert latency["p50"] in served


def test_summary_is_json(run):
    assert json.loads(json.dumps(run.summary(), allow_nan=False)) == run.summary()


def test_summary_without_gauges_has_no_lows(run, bench):
    assert "min_free_bytes" not in hk.replay(run.trace, bench, gauges=False).summary()


def test_pool_hit_rate_is_the_share_of_entries_from_the_pool(bench):
    trace = hk.Trace.from_columns(
        op=[Op.ALLOC, Op.FREE, Op.ALLOC],
        buffer=[1, 1, 1],
        size=[1 * MiB, 0, 1 * MiB],
        heap="system-pooled",
        time_ns=[0, 1, 10**9],
    )
    assert hk.replay(trace, bench).summary()["pool_hit_rate"] == 0.5


def test_frame_has_names_instead_of_codes(run):
    frame = run.to_frame()
    assert list(frame["heap"].astype(object)[:3]) == ["camera", "camera", "system"]
    assert frame["heap"].isna().tolist() == [False] * 5 + [True]
    assert frame["op"].tolist()[3:] == ["FREE", "ALLOC", "PRESSURE"]
    assert frame["error"].tolist() == [""] * 4 + ["ENOMEM", ""]
    assert set(frame.columns) == {*run.columns, "error"}


@pytest.mark.parametrize("column", ["status", "address", "latency_ns", "free_bytes"])
def test_frame_has_the_numbers_of_the_run(run, column):
    assert run.to_frame()[column].tolist() == run[column].tolist()


def test_run_is_asked_for_its_columns_as_a_frame_is(run):
    assert "status" in run
    assert "nope" not in run
    assert tuple(run) == run.keys() == run.columns
    assert set(dict(run)) == set(run.columns)


def test_unknown_column_is_a_value_error_as_every_wrong_argument(run):
    with pytest.raises(ValueError, match=r"^column 'nope'; allowed: op"):
        run["nope"]


def pickled(run):
    return pickle.loads(pickle.dumps(run))  # noqa: S301 (its own bytes)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_copied_run_says_the_same_and_is_read_only(run, copied):
    other = copied(run)
    assert all(np.array_equal(run[name], other[name]) for name in run.columns)
    assert other.summary() == run.summary()
    assert other.explain(4) == run.explain(4)
    assert not any(other[name].flags.writeable for name in other.columns)


def test_snapshot_is_the_layout_after_the_event(run):
    first = run.snapshot(0, "camera")
    assert [(r.owner, r.size // MiB) for r in first.regions] == [("#5", 10), ("", 6)]
    last = run.snapshot(-1, heap="camera")
    assert [r.owner for r in last.regions] == ["", "#6", ""]


def test_snapshot_takes_event_and_heap_in_either_order(run):
    assert run.snapshot("camera", 0) == run.snapshot(0, "camera")


def test_snapshot_without_a_heap_is_of_the_one_that_the_event_touched(run):
    touched = [run.snapshot(event).heap for event in range(5)]
    assert touched == ["camera", "camera", "system", "camera", "system"]
    with pytest.raises(ValueError, match="event 5 touches no heap"):
        run.snapshot(5)


def test_snapshot_of_a_heap_that_is_not_there_names_those_that_are(run):
    with pytest.raises(hk.errors.UnknownName, match="'nope' is not on the board; all"):
        run.snapshot(0, "nope")
    with pytest.raises(ValueError, match="allowed: "):
        run.snapshot(0, 3)


@pytest.mark.parametrize("event", ["camera", 1.5, None, True])
def test_event_that_is_no_integer_is_named(run, event):
    named = f"event={event!r}; allowed: an integer, -6 to 5"
    with pytest.raises(ValueError, match=named):
        run.snapshot(event)


@pytest.mark.parametrize("event", [6, -7])
def test_event_outside_of_the_run_is_an_index_error(run, event):
    with pytest.raises(IndexError, match="this run has 6"):
        run.explain(event)
    with pytest.raises(IndexError, match="this run has 6"):
        run.snapshot(event, "camera")
    with pytest.raises(ValueError, match="allowed: -6 to 5"):
        run.snapshot(event, "camera")


@pytest.mark.parametrize("event", [1.0, "1", None, True, float("nan")])
def test_event_is_an_integer(run, event):
    with pytest.raises(ValueError, match="event="):
        run.explain(event)


def test_pool_fill_that_was_not_recorded_says_how_to(run):
    with pytest.raises(ValueError, match=r"pool_fill='system-pooled'"):
        run.pool_fill("system-pooled")


def test_repr_says_board_and_failures(run):
    assert repr(run) == "<Run of 6 events on 'bench': 4 allocations, 1 failed>"


def test_html_escapes_the_boards_name(run, bench):
    board = hk.Board(name="<b>", memory=bench.memory, heaps=bench.heaps)
    html = hk.replay(run.trace, board)._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html
    assert "1 (25.00%), 1 ENOMEM" in html
