# SPDX-License-Identifier: MIT
"""A recording of what a running kernel was asked is what it was asked."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

import heapkit as hk
from heapkit import Op
from heapkit.recorder import identity, tracefs

SIZES = (4096, 124 * 1024, 4096, 1 << 20)
INTERVAL_S = 0.05


@pytest.fixture
def path(guest_output):
    directory = guest_output / "recorder"
    directory.mkdir(exist_ok=True)
    return directory / f"{os.getpid()}.parquet"


def of_heap(path, name):
    """(op, size) of the events of a heap, in their order, and the trace."""
    trace = hk.Trace.read(path)
    told = zip(trace.op, trace.size, trace.chain, strict=True)
    events = [(Op(o), int(s)) for o, s, heap in told if trace.heaps[heap] == name]
    return events, trace


def steps(recording, n):
    """Wait until the recording has looked ``n`` times more."""
    import time

    before = recording.samples[-1].seconds
    while sum(s.seconds > before for s in recording.samples) < n:
        time.sleep(INTERVAL_S)


def test_a_recording_has_what_a_heap_was_asked(heap, heap_name, path):
    with hk.record(path, interval=INTERVAL_S) as recording:
        buffers = []
        for size in SIZES:
            buffers.append(heap.allocate(size))
            steps(recording, 2)
        for buffer in buffers:
            buffer.close()
            steps(recording, 2)
    events, trace = of_heap(path, heap_name)
    assert events == [(Op.ALLOC, s) for s in SIZES] + [(Op.FREE, 0)] * len(SIZES)
    assert f"{Path('/proc/self/comm').read_text().strip()}-{os.getpid()}" in (
        trace.processes
    )
    assert recording.lost == recording.unparsed == 0


@pytest.mark.needs("CMA events")
def test_no_short_lived_cma_buffer_is_missed_and_its_place_is_told(heaps, path):
    with hk.record(path, interval=INTERVAL_S) as recording:
        for _ in range(100):
            heaps["reserved"].allocate(8192).close()
    events, trace = of_heap(path, "reserved")
    assert events == [(Op.ALLOC, 8192), (Op.FREE, 0)] * 100
    assert (identity.pfns(trace) > 0).all()
    assert recording.lost == 0


@pytest.mark.needs("CMA events")
def test_a_refused_cma_request_is_in_the_trace_with_its_errno(heaps, path):
    # Two do not fit into 64 MiB; a request larger than the area leaves no event:
    # __cma_alloc() of mm/cma.c returns before cma_alloc_finish.
    with (
        hk.record(path, interval=INTERVAL_S),
        heaps["reserved"].allocate(40 << 20),
    ):
        for size in (40 << 20, 80 << 20):
            with pytest.raises(OSError, match="memory"):
                heaps["reserved"].allocate(size)
    trace = hk.Trace.read(path)
    events, errnos = identity.refusals(trace)
    assert trace.size[events].tolist() == [40 << 20]
    assert errnos.tolist() == [errno.ENOMEM]


def test_no_instance_of_tracefs_is_left_behind(path):
    with hk.record(path, interval=INTERVAL_S):
        pass
    # A process that is killed; a new interpreter takes an emulator 20 seconds.
    child = os.fork()
    if child == 0:
        try:
            hk.record(path.with_suffix(".killed"), interval=INTERVAL_S)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    with hk.record(path, interval=INTERVAL_S):
        pass
    instances = Path("/") / tracefs.MOUNTS[0] / "instances"
    if instances.is_dir():
        assert not list(instances.glob("heapkit-*"))
