# SPDX-License-Identifier: MIT
"""Every latency is a sum of count × constant, and the counts are had."""

import copy
import json
import pickle
import sys

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op, _ffi, breakdown, pace
from heapkit.breakdown import Counts
from heapkit.cost_groups import GROUPS

WORKLOADS = ("camera_boot", "mixed_media", "small_churn", "video_playback")
# What a preset has in the place of what the workloads ask of phone-8g.
CHAINS = {
    "phone-8g": None,
    "raspberry-pi-4g": "linux,cma|system",
    "ip-camera-rv1106": "rk-dma-heap-cma|system",
    "set-top-4k": "protected,secure-video|default_cma_region|system",
}


def sums(run):
    return sum(run[name] for name in run.breakdown_columns)


@pytest.fixture
def trace():
    return hk.Trace.from_columns(
        op=[Op.ALLOC, Op.ALLOC, Op.ATTACH, Op.MAP, Op.FREE, Op.ALLOC, Op.PRESSURE],
        buffer=[5, 6, 5, 5, 5, 8, 0],
        size=[10 * MiB, 64 * KiB, 0, 0, 0, 300 * MiB, 4096],
        heap=["camera|system", "system-pooled", "", "", "", "camera|system", ""],
        time_ns=[0, 10, 20, 30, 40, 50, 60],
    )


@pytest.fixture
def run(trace, bench):
    return hk.replay(trace, bench, breakdown=True)


def test_there_is_a_chain_for_every_preset():
    assert set(CHAINS) == set(hk.Board.presets())


@pytest.mark.parametrize("preset", CHAINS)
@pytest.mark.parametrize("workload", WORKLOADS)
def test_the_parts_of_each_latency_add_up_to_it(workload, preset):
    chain = CHAINS[preset]
    heap = {"heap": chain} if chain else {}
    trace = getattr(hk.workloads, workload)(**heap)
    run = hk.replay(trace, hk.Board.preset(preset), breakdown=True)
    assert np.abs(sums(run) - run["latency_ns"]).max() <= 1
    by_part = run.breakdown().sum(axis=1).to_numpy()
    assert np.abs(by_part - run["latency_ns"]).max() <= 1


def test_what_the_cpu_and_the_devices_do_is_in_the_parts():
    trace = hk.workloads.camera_boot(accesses=True)
    run = hk.replay(trace, hk.Board.preset("phone-8g"), breakdown=True)
    assert np.abs(sums(run) - run["latency_ns"]).max() <= 1
    assert run.breakdown()["CPU access"].sum() > 0


def test_a_column_is_its_count_times_the_constant(run):
    price = run.board.costs["zero_page_1m"].value
    count = run.count("zero_page_1m")
    assert count.dtype == np.uint64
    assert count[0] == 10 * MiB // 4096
    assert run["zero_page_1m_ns"].dtype == np.float64
    assert run["zero_page_1m_ns"].tolist() == (count * price).tolist()


def test_only_what_was_charged_is_a_column(run):
    assert "map_entry_ns" in run.breakdown_columns
    assert "cma_call_ns" not in run.breakdown_columns
    assert set(run.breakdown_columns) < set(run.columns)
    assert run.count("cma_call").tolist() == [0] * len(run)
    with pytest.raises(KeyError, match=r"'cma_call_ns'; allowed: .*map_entry_ns"):
        run["cma_call_ns"]


def test_a_constant_at_no_cost_is_counted_all_the_same(trace, bench):
    free = bench.replace({"costs.zero_page_1m": 0})
    run = hk.replay(trace, free, breakdown=True)
    assert run["zero_page_1m_ns"].tolist() == [0] * len(run)
    assert run.count("zero_page_1m")[0] > 0


def test_a_frame_has_a_column_for_each_part_and_the_columns_too(run):
    frame = run.breakdown()
    assert len(frame) == len(run)
    assert list(frame) == [group for group in GROUPS if group in frame]
    assert frame["zeroing"][0] == run["zero_page_1m_ns"][0]
    assert run.to_frame()["zero_page_1m_ns"][0] == frame["zeroing"][0]


def test_the_summary_has_what_all_events_paid_for_each_part(run):
    parts = run.summary()["latency_by_part"]
    assert json.loads(json.dumps(parts)) == parts
    total = run.summary()["total_latency_ns"]
    assert sum(parts.values()) == pytest.approx(total, abs=len(run))
    assert "spent on zeroing" in run._repr_html_()


def test_one_event_is_had_whether_it_was_recorded_or_not(run, trace, bench):
    bare = hk.replay(trace, bench)
    for event in range(-len(run), len(run)):
        assert bare.breakdown(event) == run.breakdown(event)
        at = event % len(run)
        assert sum(bare.breakdown(event).values()) == pytest.approx(
            float(run["latency_ns"][at]), abs=1
        )


def test_one_event_names_only_what_it_was_charged(run):
    assert run.breakdown(4).keys() == {"free_call"}


def test_going_back_for_one_event_leaves_the_machine_where_it_can_be_used(trace, bench):
    run = hk.replay(trace, bench)
    before = run.snapshot(2, "camera")
    run.breakdown(2)
    run.explain(5)
    run.breakdown(5)
    assert run.snapshot(2, "camera") == before


def test_without_a_breakdown_it_says_how_to_have_one(trace, bench):
    bare = hk.replay(trace, bench)
    assert bare.breakdown_columns == ()
    assert "latency_by_part" not in bare.summary()
    with pytest.raises(ValueError, match="without breakdown=True"):
        bare.breakdown()
    with pytest.raises(ValueError, match="without breakdown=True"):
        bare.count("zero_page")
    with pytest.raises(KeyError, match=r"zero_page_ns: .*without breakdown=True"):
        bare["zero_page_ns"]
    with pytest.raises(KeyError, match="column 'nope'"):
        bare["nope"]


@pytest.mark.parametrize("name", ["nope", "line_bytes", "zero_page_ns", None])
def test_a_constant_that_is_not_charged_to_anyone_is_refused(run, name):
    with pytest.raises(ValueError, match=r"constant: .*allowed: allocate_call|allowed"):
        run.count(name)


@pytest.mark.parametrize("value", [1, None, "yes"])
def test_breakdown_is_true_or_false(trace, bench, value):
    with pytest.raises(ValueError, match="breakdown="):
        hk.replay(trace, bench, breakdown=value)


@pytest.mark.parametrize("event", [7, -8])
def test_an_event_outside_of_the_run_is_named(run, event):
    with pytest.raises(IndexError, match="this run has 7"):
        run.breakdown(event)


def test_nothing_else_of_the_run_changes(run, trace, bench):
    bare = hk.replay(trace, bench)
    assert all(np.array_equal(run[name], bare[name]) for name in bare.columns)


def test_gauges_can_be_left_out(run, trace, bench):
    other = hk.replay(trace, bench, breakdown=True, gauges=False)
    assert "free_bytes" not in other
    assert np.array_equal(sums(other), sums(run))


def test_an_empty_run_has_an_empty_breakdown(bench):
    trace = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    run = hk.replay(trace, bench, breakdown=True)
    assert run.breakdown_columns == ()
    assert len(run.breakdown()) == 0
    assert run.summary()["latency_by_part"] == {}
    assert len(run.count("zero_page")) == 0


@pytest.mark.parametrize("every", [None, 3])
def test_counts_do_not_depend_on_the_slices(bench, monkeypatch, every):
    trace = hk.workloads.small_churn(events=500, heap="system-pooled")
    whole = hk.replay(trace, bench, breakdown=True)
    monkeypatch.setattr(pace, "FIRST", 50)
    monkeypatch.setattr(pace, "MOST", 50)
    monkeypatch.setattr(sys.modules["heapkit.replay"], "ROWS", 7)
    sliced = hk.replay(trace, bench, breakdown=True, checkpoint_every=every)
    assert whole.breakdown_columns == sliced.breakdown_columns
    for name in whole.breakdown_columns:
        assert np.array_equal(whole[name], sliced[name])


def pickled(run):
    return pickle.loads(pickle.dumps(run))  # noqa: S301 (its own bytes)


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_has_the_same_breakdown_and_is_read_only(run, copied):
    other = copied(run)
    assert other.breakdown().equals(run.breakdown())
    assert not other["zero_page_1m_ns"].flags.writeable
    assert not other.count("zero_page_1m").flags.writeable


def counted(values):
    counts = np.zeros(len(values), _ffi.COUNTS)
    counts["n"][:, _ffi.PRICE_NAMES.index("clean_line")] = values
    return counts


def test_counts_beyond_four_bytes_are_kept_too():
    counts = Counts(4)
    counts.take(slice(0, 2), counted([1, 2]))
    counts.take(slice(2, 4), counted([2**40, 3]))
    assert counts.of("clean_line").tolist() == [1, 2, 2**40, 3]
    assert counts.names == ("clean_line",)
    assert counts.at(2) == {"clean_line": 2**40}


def test_a_latency_of_one_part_is_said_alone(run):
    assert breakdown.takes(run, 4) == "3 µs"


def test_a_latency_of_several_parts_names_the_two_largest(run):
    assert breakdown.takes(run, 1).endswith(" µs (zeroing 7.63 µs, calls 5 µs)")


def test_a_latency_that_is_nearly_all_one_part_says_so(run):
    assert breakdown.takes(run, 0).endswith("ms (nearly all of it zeroing)")
