# SPDX-License-Identifier: MIT
"""A trace of uses only."""

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, Op, workloads
from heapkit.trace_ops import MEMORY_OPS


def count(trace, op):
    return int(np.count_nonzero(trace.op == op))


def test_nothing_is_attached_mapped_or_synchronised():
    trace = workloads.uses()
    assert set(trace.op.tolist()) == {Op.ALLOC, Op.FREE, *MEMORY_OPS}
    assert trace.devices == ("isp", "gpu", "display")
    assert trace.meta["workload"] == "uses"


def test_every_frame_goes_from_the_sensor_to_the_screen():
    trace = workloads.uses(frames=40, cpu_every=8)
    frame = trace.to_frame()
    kinds = frame[frame["op"].str.startswith("DEVICE")].groupby(
        ["device", "op"], observed=True
    )
    assert kinds.size().to_dict() == {
        ("isp", "DEVICE_WRITE"): 40,
        ("gpu", "DEVICE_READ"): 40,
        ("gpu", "DEVICE_WRITE"): 40,
        ("display", "DEVICE_READ"): 40,
    }
    assert count(trace, Op.CPU_READ) == count(trace, Op.CPU_WRITE) == 5
    assert trace.live_bytes()[-1] == 0


def test_the_cpu_touches_a_few_lines_somewhere():
    trace = workloads.uses(touched=2 * KiB, cpu_every=1)
    cpu = np.isin(trace.op, (Op.CPU_READ, Op.CPU_WRITE))
    assert set(trace.size[cpu].tolist()) == {2 * KiB}
    assert not (trace.offset[cpu] % 64).any()
    assert len(set(trace.offset[cpu].tolist())) > 300
    assert count(workloads.uses(cpu_every=0), Op.CPU_READ) == 0


def test_every_access_lies_within_its_buffer():
    for seed in range(20):
        trace = workloads.uses(seed=seed, frames=60, cpu_every=1)
        assert not hk.replay(trace, hk.Board.preset("phone-8g"))["status"].any()


def test_the_same_seed_gives_the_same_trace_and_another_one_another():
    assert workloads.uses(seed=4).equals(workloads.uses(seed=4))
    assert not workloads.uses(seed=4).equals(workloads.uses(seed=5))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"frames": 0}, "uses: frames=0; allowed: an integer, 1 to"),
        ({"cpu_every": -1}, "uses: cpu_every=-1; allowed: an integer, 0 to"),
        ({"touched": 0}, "uses: touched=0; allowed: an integer, 1 to 3110400"),
        ({"touched": 2**22}, "uses: touched=4194304; allowed"),
        ({"seed": -1}, "uses: seed=-1"),
        ({"heap": ""}, "uses: heap=''"),
    ],
)
def test_an_argument_that_is_none_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        workloads.uses(**arguments)
