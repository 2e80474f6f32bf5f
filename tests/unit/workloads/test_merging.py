# SPDX-License-Identifier: MIT
"""Several traces made one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import heapkit as hk
from heapkit import MiB, Op, workloads


def trace(buffer, times, **changes):
    columns = {
        "op": [Op.ALLOC, Op.ATTACH, Op.FREE],
        "buffer": [buffer] * 3,
        "size": [4096, 0, 0],
        "heap": "system",
        "time_ns": times,
    }
    return hk.Trace.from_columns(**columns | changes)


def test_events_are_by_time_and_of_equal_times_the_first_arguments_come_first():
    merged = workloads.merge(trace(5, [0, 10, 20]), trace(5, [0, 5, 20]))
    assert merged.time_ns.tolist() == [0, 0, 5, 10, 20, 20]
    assert merged.buffer.tolist() == [5, 11, 11, 5, 5, 11]


def test_heaps_devices_and_processes_are_joined_by_name():
    merged = workloads.merge(
        trace(1, [0, 1, 2], heap="camera|system", device="isp", process="app"),
        trace(1, [3, 4, 5], device=["", "gpu", ""], process="codec"),
        trace(1, [6, 7, 8], heap="camera|system", device="isp"),
    )
    assert merged.heaps == ("camera|system", "system")
    frame = merged.to_frame()
    chains = frame["heap"][frame["op"] == "ALLOC"].tolist()
    assert chains == ["camera|system", "system", "camera|system"]
    assert frame["device"][frame["op"] == "ATTACH"].tolist() == ["isp", "gpu", "isp"]
    assert frame["process"].tolist() == ["app"] * 3 + ["codec"] * 3 + ["?"] * 3


def test_a_trace_without_devices_means_a_plain_one():
    merged = workloads.merge(trace(1, [0, 1, 2], device="isp"), trace(1, [3, 4, 5]))
    frame = merged.to_frame()
    assert frame["device"][frame["op"] == "ATTACH"].tolist() == ["isp", "device"]
    assert workloads.merge(trace(1, [0, 1, 2])).device is None


def test_accesses_and_offsets_that_are_absent_mean_what_they_meant():
    bracket = {"op": [Op.ALLOC, Op.BEGIN_CPU, Op.FREE]}
    merged = workloads.merge(
        trace(1, [0, 1, 2], **bracket, access=[1, 1, 1], offset=[0, 64, 0]),
        trace(1, [3, 4, 5], **bracket),
    )
    begins = merged.op == Op.BEGIN_CPU
    assert merged.access[begins].tolist() == [1, 3]
    assert merged.offset[begins].tolist() == [64, 0]


def test_one_trace_stays_what_it_is():
    alone = workloads.camera_boot(launches=1, accesses=True)
    merged = workloads.merge(alone)
    assert merged.meta == {"workload": "merge", "of": [alone.meta]}
    assert merged.buffer.tolist() == alone.buffer.tolist()
    frames = (made.to_frame().drop(columns="buffer") for made in (merged, alone))
    assert next(frames).equals(next(frames))


def test_an_empty_trace_adds_nothing():
    empty = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    merged = workloads.merge(empty, trace(0, [0, 1, 2]), empty, trace(0, [0, 1, 2]))
    assert sorted(merged.buffer.tolist()) == [0, 0, 0, 1, 1, 1]


@given(seeds=st.lists(st.integers(0, 2**32), min_size=1, max_size=4))
def test_what_is_live_is_what_the_traces_hold_together(seeds):
    made = [workloads.small_churn(seed=seed, events=40) for seed in seeds]
    merged = workloads.merge(*made)
    for event in range(0, len(merged), 7):
        now, expected = merged.time_ns[event], 0
        for part in made:
            before = int(np.searchsorted(part.time_ns, now, side="right"))
            expected += int(part.live_bytes()[before - 1]) if before else 0
        after = int(np.searchsorted(merged.time_ns, now, side="right"))
        assert merged.live_bytes()[after - 1] == expected


def test_a_load_goes_beside_a_camera():
    load = workloads.background(memory=512 * MiB, seconds=10)
    merged = workloads.merge(workloads.camera_boot(launches=1), load)
    assert merged.heaps == ("camera|system-pooled", *load.heaps)
    assert len(merged) == len(load) + len(workloads.camera_boot(launches=1))


def test_ids_that_do_not_fit_are_refused():
    high = trace(2**64 - 1, [0, 1, 2])
    with pytest.raises(ValueError, match=r"merge: buffer=18446744073709551617"):
        workloads.merge(trace(1, [0, 1, 2]), high)
    merged = workloads.merge(trace(2**63, [0, 1, 2]), trace(5, [0, 1, 2]))
    assert merged.buffer[1] == 2**63 + 6


@pytest.mark.parametrize(
    ("traces", "message"),
    [((), "merge: no traces"), ((None,), "merge: traces=None; allowed: traces")],
)
def test_what_is_no_trace_is_refused(traces, message):
    with pytest.raises(ValueError, match=message):
        workloads.merge(*traces)
