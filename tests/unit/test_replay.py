# SPDX-License-Identifier: MIT
"""A trace on a board."""

import errno
import threading

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op, pace


def columns(rows, *, heap="camera", **more):
    ops, buffers, sizes, times = zip(*rows, strict=True)
    return hk.Trace.from_columns(
        op=[Op[op] for op in ops],
        buffer=buffers,
        size=np.array(sizes, np.uint64),
        heap=heap,
        time_ns=times,
        **more,
    )


def churn(n, *, heap, seed=1):
    """Allocations and frees of 1 to 64 pages; ids are used again."""
    random = np.random.default_rng(seed)
    held, rows = [], []
    for i in range(n):
        if held and (len(held) > 200 or random.random() < 0.45):
            rows.append(("FREE", held.pop(random.integers(len(held))), 0, i))
        else:
            buffer = min(set(range(300)) - set(held))
            held.append(buffer)
            rows.append(("ALLOC", buffer, int(random.integers(1, 65)) * 4096, i * 10))
    times = np.maximum.accumulate([row[3] for row in rows])
    return columns(
        [(*row[:3], t) for row, t in zip(rows, times, strict=True)], heap=heap
    )


def test_allocation_and_free_are_rows(bench):
    run = hk.replay(
        columns([("ALLOC", 1, 8 * MiB, 0), ("FREE", 1, 0, 5)]), bench, check_every=1
    )
    assert run["status"].tolist() == [0, 0]
    assert run["address"].tolist() == [0x1_0000_0000] * 2
    assert (run["free_bytes"] // MiB).tolist() == [8, 16]
    assert run["latency_ns"][0] > run["latency_ns"][1] > 0


def test_fallback_is_served_by_the_later_heap(bench):
    rows = [("ALLOC", i, 6 * MiB, i) for i in range(4)]
    run = hk.replay(columns(rows, heap="camera|system"), bench)
    names = [run.heap_names[h] for h in run["heap"]]
    assert names == ["camera", "camera", "system", "system"]
    assert run["tried"].tolist() == [1, 1, 2, 2]


def test_failed_allocation_is_a_negative_errno_and_its_free_does_nothing(bench):
    rows = [("ALLOC", 1, 17 * MiB, 0), ("FREE", 1, 0, 1), ("ALLOC", 1, 16 * MiB, 2)]
    run = hk.replay(columns(rows), bench)
    assert run["status"].tolist() == [-errno.ENOMEM, 0, 0]
    assert run["heap"].tolist() == [run.heap_index("camera")] * 3
    assert run["address"].tolist() == [0, 0, 0x1_0000_0000]
    assert (run["free_bytes"] // MiB).tolist() == [16, 16, 0]


def test_empty_trace_is_an_empty_run(bench):
    trace = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    run = hk.replay(trace, bench)
    assert len(run) == 0
    assert run.summary()["failure_rate"] == 0


def test_unknown_heap_names_the_event_and_the_boards_heaps(bench):
    rows = [("ALLOC", i, 4096, i) for i in range(3)]
    trace = columns(rows, heap=["camera", "camera|nope", "nope"])
    with pytest.raises(ValueError, match=r"event 1 .*'nope'.*system.*camera"):
        hk.replay(trace, bench)


def test_unknown_heap_of_a_free_does_not_matter(bench):
    rows = [("ALLOC", 1, 4096, 0), ("FREE", 1, 0, 1)]
    run = hk.replay(columns(rows, heap=["camera", "nope"]), bench)
    assert run["status"].tolist() == [0, 0]


@pytest.mark.parametrize("trace", [None, [], {"op": []}, "trace.parquet"])
def test_other_than_a_trace_is_a_value_error(bench, trace):
    with pytest.raises(ValueError, match="trace="):
        hk.replay(trace, bench)


@pytest.mark.parametrize("board", [None, "phone-8g", {}])
def test_other_than_a_board_is_a_value_error(board):
    with pytest.raises(ValueError, match="board="):
        hk.replay(columns([("ALLOC", 1, 1, 0)]), board)


def test_a_long_value_is_cut_in_the_message(bench):
    with pytest.raises(ValueError, match=r"replay: trace=Board.*…; allowed") as error:
        hk.replay(bench, bench)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("every", [-1, True, 1.5, None])
def test_check_every_is_a_count(bench, every):
    with pytest.raises(ValueError, match="check_every="):
        hk.replay(columns([("ALLOC", 1, 1, 0)]), bench, check_every=every)


@pytest.mark.parametrize("heap", ["system", "nope", 3])
def test_pool_fill_names_a_pooled_heap(bench, heap):
    with pytest.raises(ValueError, match=r"pool_fill=.*system-pooled"):
        hk.replay(columns([("ALLOC", 1, 1, 0)]), bench, pool_fill=heap)


def test_device_that_the_board_does_not_name_does_not_snoop(bench):
    rows = [
        ("ALLOC", 1, 1 * MiB, 0),
        ("ATTACH", 1, 0, 1),
        ("MAP", 1, 0, 2),
        ("ATTACH", 1, 0, 3),
        ("MAP", 1, 0, 4),
    ]
    names = ["gpu", "gpu", "gpu", "isp", "isp"]
    trace = columns(rows, heap="system", device=names)
    # The first who does not snoop writes back the zeroes of the new buffer.
    bench = bench.replace({"costs.dirty_line": 0})
    coherent = hk.Board(
        name="b",
        memory=bench.memory,
        heaps=(hk.SystemHeap(),),
        devices=(hk.Device("gpu", coherent=True),),
        costs=bench.costs,
    )
    latency = hk.replay(trace, coherent)["latency_ns"]
    assert latency[2] < latency[4]
    plain = hk.replay(trace, bench)["latency_ns"]
    assert plain[2] == plain[4] == latency[4]


def test_trace_without_devices_means_one_plain_device(bench):
    rows = [("ALLOC", 1, 4096, 0), ("ATTACH", 1, 0, 1), ("MAP", 1, 0, 2)]
    snooping = hk.Board(
        name="b", heaps=bench.heaps[3:], devices=(hk.Device("gpu", coherent=True),)
    )
    one = hk.replay(columns(rows), bench)
    other = hk.replay(columns(rows), snooping)
    assert one["latency_ns"].tolist() == other["latency_ns"].tolist()


def test_too_many_devices_are_refused(bench):
    rows = [("ALLOC", 1, 4096, 0)] + [("ATTACH", 1, 0, 1)] * 300
    names = [f"device{i}" for i in range(301)]
    with pytest.raises(ValueError, match="256 devices"):
        hk.replay(columns(rows, device=names), bench)


def test_pressure_empties_the_pools(bench):
    rows = [
        ("ALLOC", 1, 4 * MiB, 0),
        ("FREE", 1, 0, 1000),
        ("PRESSURE", 0, 0, 10**9),
        ("PRESSURE", 0, 64 * MiB, 10**9),
    ]
    run = hk.replay(
        columns(rows, heap="system-pooled"), bench, pool_fill="system-pooled"
    )
    assert run["heap"].tolist()[2:] == [-1, -1]
    assert run["pool_bytes"].tolist()[2:] == [4 * MiB, 0]
    assert run.pool_fill("system-pooled").tolist()[2:] == [[4, 0, 0], [0, 0, 0]]


def test_gauges_can_be_left_out_and_change_nothing(bench):
    trace = churn(2000, heap="camera|system")
    with_gauges, without = (hk.replay(trace, bench, gauges=g) for g in (True, False))
    for name in without.columns:
        assert np.array_equal(with_gauges[name], without[name])
    with pytest.raises(KeyError, match="gauges=False"):
        without["free_bytes"]


def test_run_is_the_same_in_slices_as_in_one_call(bench, monkeypatch):
    trace = churn(3000, heap="camera|system-pooled")
    whole = hk.replay(trace, bench, pool_fill="system-pooled")
    monkeypatch.setattr(pace, "FIRST", 7)
    monkeypatch.setattr(pace, "MOST", 7)
    sliced = hk.replay(trace, bench, pool_fill="system-pooled")
    assert whole._rows.tobytes() == sliced._rows.tobytes()
    assert whole._gauges.tobytes() == sliced._gauges.tobytes()
    assert whole._fills[1].tobytes() == sliced._fills[1].tobytes()


def test_interrupt_between_slices_ends_the_replay(bench, monkeypatch):
    seen = []

    def interrupt(self, trace, *, first, **_):
        seen.append(first)
        if first:
            raise KeyboardInterrupt

    monkeypatch.setattr(pace, "FIRST", 100)
    monkeypatch.setattr(hk._ffi.Machine, "replay", interrupt)
    with pytest.raises(KeyboardInterrupt):
        hk.replay(churn(1000, heap="camera"), bench)
    assert seen == [0, 100]


def test_replays_on_threads_equal_replays_in_turn(bench):
    traces = [churn(3000, heap="camera|system-pooled", seed=s) for s in range(4)]
    alone = [hk.replay(t, bench)._rows.tobytes() for t in traces]
    together = {}

    def work(i):
        together[i] = hk.replay(traces[i], bench)._rows.tobytes()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[i] for i in range(4)] == alone


def test_overlarge_request_fails_without_harm(bench):
    rows = [("ALLOC", 1, 2**64 - 8192, 0), ("ALLOC", 2, 64 * KiB, 1)]
    run = hk.replay(columns(rows, heap="camera|video|system"), bench, check_every=1)
    assert run["status"].tolist() == [-errno.ENOMEM, 0]
