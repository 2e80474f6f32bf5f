# SPDX-License-Identifier: MIT
"""What the CPU and the devices do with the buffers of a workload, and who asks."""

import functools

import numpy as np
import pytest

import heapkit as hk
from heapkit import Op, accounting, workloads
from heapkit.trace_ops import DEVICE_OPS, MEMORY_OPS

MAKERS = {
    "camera_boot": functools.partial(workloads.camera_boot, launches=4),
    "video_playback": functools.partial(workloads.video_playback, seconds=20),
}
ADDED = (*MEMORY_OPS, Op.MMAP, Op.MUNMAP, Op.SHARE)
BOARD = hk.Board.preset("phone-8g")


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


@pytest.fixture
def trace(make):
    return make(seed=3, accesses=True)


def rows(trace):
    """Time, op, buffer, size, process of each event that the plain trace has too."""
    names = trace.processes or ("",)
    who = np.zeros(len(trace), int) if trace.process is None else trace.process
    added = np.isin(trace.op, ADDED)
    # A shared buffer has more FREEs: the last is the plain trace's.
    last = np.isin(np.arange(len(trace)), trace.spans()[1])
    kept = ~added & (last | (trace.op != Op.FREE))
    columns = (trace.time_ns, trace.op, trace.buffer, trace.size, trace.offset)
    return [column[kept].tolist() for column in columns], {names[c] for c in who}


def test_the_other_events_stay_as_they_are(make):
    plain, told = rows(make(seed=3)), rows(make(seed=3, accesses=True))
    assert plain[0] == told[0]
    assert plain[1] == {""}


def test_without_accesses_nobody_is_named(make):
    plain = make(seed=3)
    assert plain.process is None
    assert "accesses" not in plain.meta
    assert not np.isin(plain.op, ADDED).any()
    assert make(seed=3, accesses=True).meta["accesses"] is True


def test_every_access_lies_within_its_buffer_and_is_granted(trace):
    run = hk.replay(trace, BOARD)
    assert not run["status"].any()
    assert np.isin(run["op"], MEMORY_OPS).sum() > 1000
    assert accounting.strays(run).tolist() == []
    assert accounting.totals(run)["total"] == 0


def test_the_cpu_touches_what_it_has_mapped_and_within_its_bracket(trace):
    mapped, inside = set(), set()
    for op, buffer in zip(trace.op.tolist(), trace.buffer.tolist(), strict=True):
        if op in (Op.CPU_READ, Op.CPU_WRITE):
            assert buffer in mapped
            assert buffer in inside
        elif op in (Op.MMAP, Op.BEGIN_CPU):
            (mapped if op == Op.MMAP else inside).add(buffer)
        elif op in (Op.MUNMAP, Op.END_CPU):
            (mapped if op == Op.MUNMAP else inside).remove(buffer)
    assert not mapped
    assert not inside


def test_every_bracket_has_an_access(trace):
    def count(*ops):
        return int(np.isin(trace.op, ops).sum())

    assert count(Op.BEGIN_CPU) == count(Op.END_CPU)
    assert count(Op.CPU_READ, Op.CPU_WRITE) == count(Op.BEGIN_CPU)


def test_a_device_touches_what_is_mapped_for_it(trace):
    mapped = set()
    frame = trace.to_frame()
    for row in frame[frame["op"].isin([op.name for op in DEVICE_OPS])].itertuples():
        key = row.buffer, row.device
        if row.op == "MAP":
            mapped.add(key)
        elif row.op == "UNMAP":
            mapped.remove(key)
        elif row.op.startswith("DEVICE"):
            assert key in mapped


def test_who_gets_a_reference_drops_it(trace):
    run = hk.replay(trace, BOARD)
    high = accounting.high_water(run).set_index(["of", "name", "measure"])["bytes"]
    for name in trace.processes:
        assert high["process", name, "rss"] > high["process", name, "pss"] * 0.3 > 0
    assert set(trace.processes) == set(trace.to_frame()["process"])


def test_a_camera_shares_the_preview_with_the_compositor():
    frame = MAKERS["camera_boot"](seed=3, accesses=True).to_frame()
    given = frame[frame["op"] == "SHARE"]
    assert set(given["process"]) == {"app", "surfaceflinger"}
    size = frame[frame["op"] == "ALLOC"].set_index("buffer")["size"]
    preview = given[given["process"] == "surfaceflinger"]["buffer"]
    assert set(size[preview]) == {workloads.NV12_1080P}


def test_nothing_is_stale_or_lost(trace):
    found = hk.coherency(hk.replay(trace, BOARD))
    assert found.wrong == 0
    # The camera's GPU snoops, and the ISP keeps its mapping while it reads.
    assert set(found.counts()) <= {"SNOOPED_STALE"}


@pytest.mark.parametrize("accesses", [None, 1, "yes"])
def test_accesses_that_are_none_are_refused(make, accesses):
    with pytest.raises(ValueError, match=r"accesses=.*; allowed: True or False"):
        make(accesses=accesses)
