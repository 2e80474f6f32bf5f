# SPDX-License-Identifier: MIT
"""A workload again and again, as a file."""

import functools

import numpy as np
import pytest

import heapkit as hk
from heapkit import Op

churn = functools.partial(hk.workloads.small_churn, events=200)


def test_a_long_trace_is_its_workload_again_and_again(tmp_path):
    path = tmp_path / "t.parquet"
    hk.write_long(path, events=500, workload=churn, seed=3)
    long = hk.Trace.read(path)
    first, second = churn(seed=3), churn(seed=4)
    assert len(long) == 500
    assert np.array_equal(long.size[:200], first.size)
    assert np.array_equal(long.size[200:400], second.size)
    assert np.array_equal(long.time_ns[200:400], second.time_ns + first.time_ns[-1] + 1)
    assert not set(long.buffer[:200].tolist()) & set(long.buffer[200:].tolist())
    assert long.meta["events"] == 500


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    one, two, other = (tmp_path / f"{i}.parquet" for i in range(3))
    hk.write_long(one, events=300, workload=churn)
    hk.write_long(two, events=300, workload=churn)
    hk.write_long(other, events=300, workload=churn, seed=2)
    assert one.read_bytes() == two.read_bytes() != other.read_bytes()


def test_devices_and_accesses_are_kept(tmp_path):
    path = tmp_path / "t.parquet"
    launch = functools.partial(hk.workloads.camera_boot, launches=1)
    hk.write_long(path, events=3000, workload=launch)
    long, once = hk.Trace.read(path), launch(seed=1)
    assert long.devices == once.devices
    assert np.array_equal(long.access[: len(once)], once.access)
    assert np.array_equal(long.device[: len(once)], once.device)


def test_no_event_is_a_trace_too(tmp_path):
    path = tmp_path / "t.parquet"
    hk.write_long(path, events=0, workload=churn)
    assert len(hk.Trace.read(path)) == 0


def empty(**_):
    return hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])


def changing(*, seed):
    return hk.Trace.from_columns(
        op=[Op.PRESSURE],
        buffer=[0],
        size=[1],
        heap=[0],
        heaps=[f"h{seed}"],
        time_ns=[0],
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"events": -1}, "events=-1"),
        ({"events": 10, "seed": -1}, "seed=-1"),
        ({"events": 10, "workload": empty}, "of seed 1; allowed: events"),
        ({"events": 10, "workload": changing}, r"of seed 2.*heaps \('h1',\)"),
    ],
)
def test_wrong_arguments_are_refused_and_leave_nothing(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        hk.write_long(tmp_path / "t.parquet", **options)
    assert list(tmp_path.iterdir()) == []
