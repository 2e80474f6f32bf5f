# SPDX-License-Identifier: MIT
"""A trace that is being recorded: names that come, a disk that becomes full."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import heapkit as hk
from heapkit import Op, reserved_file
from heapkit.trace_parts import TraceFile


def allocations(out, first, n, *, heap="system", process="init"):
    out.append(
        op=np.full(n, Op.ALLOC, np.uint8),
        buffer=np.arange(first, first + n),
        # Nothing that would pack well.
        size=np.random.default_rng(first).integers(1, 2**40, n),
        heap=heap,
        time_ns=np.arange(first, first + n),
        process=process,
    )


@pytest.fixture
def growing(tmp_path):
    path = tmp_path / "t.parquet"
    out = hk.TraceWriter(path, growing=True, row_group=4)
    yield path, out
    out.discard()


def test_names_that_come_later_are_in_the_file(growing):
    path, out = growing
    assert out.add_process("init") == 0
    assert out.add_heap("system") == 0
    allocations(out, 0, 6)
    assert out.add_heap("camera|system") == 1
    assert out.add_process("cat (7)") == 1
    assert out.add_process("init") == 0
    allocations(out, 6, 6, heap="camera|system", process="cat (7)")
    allocations(out, 12, 1)
    out.close()
    trace = hk.Trace.read(path)
    assert trace.heaps == ("system", "camera|system")
    assert trace.processes == ("init", "cat (7)")
    assert trace.chain.tolist() == [0] * 6 + [1] * 6 + [0]
    assert trace.process.tolist() == [0] * 6 + [1] * 6 + [0]


def test_a_long_reader_reads_it_part_by_part(growing):
    path, out = growing
    for i, name in enumerate("abc"):
        out.add_process(name)
        out.add_heap(f"heap-{name}")
        allocations(out, i, 1, heap=f"heap-{name}", process=name)
    out.close()
    with TraceFile(path) as file:
        parts = list(file.parts(2))
    assert np.concatenate([part.process for part in parts]).tolist() == [0, 1, 2]
    assert np.concatenate([part.chain for part in parts]).tolist() == [0, 1, 2]
    assert file.heaps == ("heap-a", "heap-b", "heap-c")


def test_what_is_said_of_it_at_the_end_is_in_its_meta(growing):
    path, out = growing
    out.describe(lost=3, kernel="6.12")
    out.describe(lost=4)
    out.close()
    assert hk.Trace.read(path).meta == {"lost": 4, "kernel": "6.12"}


def test_an_event_that_no_trace_may_hold_leaves_those_before_it(growing):
    path, out = growing
    out.add_process("init")
    out.add_heap("system")
    with pytest.raises(ValueError, match=r"buffer\[1\]=9"):
        out.append(
            op=[Op.ALLOC, Op.FREE, Op.FREE],
            buffer=[1, 9, 1],
            size=[4096, 0, 0],
            heap="system",
            time_ns=[5, 6, 7],
            process="init",
        )
    out.append(op=[Op.FREE], buffer=[1], size=[0], heap=[0], time_ns=[6], process=[0])
    out.close()
    trace = hk.Trace.read(path)
    assert trace.op.tolist() == [Op.ALLOC, Op.FREE]
    assert trace.time_ns.tolist() == [5, 6]


def test_arrays_that_are_given_may_be_written_to_again(growing):
    path, out = growing
    out.add_process("init")
    out.add_heap("system")
    size = np.array([4096], np.uint64)
    out.append(op=[Op.ALLOC], buffer=[1], size=size, heap=[0], time_ns=[0], process=[0])
    size[0] = 1
    out.close()
    assert hk.Trace.read(path).size.tolist() == [4096]


def test_nothing_recorded_is_an_empty_trace(growing):
    path, out = growing
    out.close()
    assert len(hk.Trace.read(path)) == 0


@pytest.mark.parametrize("call", ["add_heap", "add_process"])
def test_a_trace_that_does_not_grow_takes_no_names(tmp_path, call):
    with (
        hk.TraceWriter(tmp_path / "t", heaps=("a",)) as out,
        pytest.raises(ValueError, match="growing=False"),
    ):
        getattr(out, call)("b")


def test_a_heap_that_is_no_chain_is_refused_and_forgotten(growing):
    _, out = growing
    with pytest.raises(ValueError, match="chain"):
        out.add_heap("a//b")
    assert out.heaps == ()


def test_every_event_of_a_growing_trace_has_a_process(growing):
    _, out = growing
    out.add_heap("system")
    with pytest.raises(ValueError, match="process: None"):
        allocations(out, 0, 1, process=None)


class Disk:
    """Room for so many bytes, those of the reserve included."""

    def __init__(self, room, reserve_bytes):
        self.room, self.reserve_bytes = room, reserve_bytes
        self.used = 0
        self.write = os.write

    def __call__(self, fd, data):
        directory = Path(f"/proc/self/fd/{fd}").readlink().parent
        given_back = not list(directory.glob(".*.reserve"))
        left = self.room - self.used - (0 if given_back else self.reserve_bytes)
        if left <= 0:
            raise OSError(errno.ENOSPC, "full")
        written = self.write(fd, data[:left])
        self.used += written
        return written


@pytest.mark.parametrize("room", [65_000, 70_001, 90_001, 150_003])
def test_a_full_disk_leaves_a_file_of_whole_row_groups(tmp_path, monkeypatch, room):
    path = tmp_path / "t.parquet"
    monkeypatch.setattr(reserved_file.os, "write", Disk(room, 60_000))
    out = hk.TraceWriter(path, growing=True, row_group=100, reserve_bytes=60_000)
    out.add_heap("system")
    out.add_process("init")
    at = 0
    while not out.full:
        allocations(out, at, 50)
        at += 50
    out.close()
    assert out.full
    trace = hk.Trace.read(path)
    assert len(trace) == at == len(out)
    assert pq.read_metadata(path).num_row_groups == at // 100
    assert [file.name for file in tmp_path.iterdir()] == ["t.parquet"]


def test_a_full_disk_takes_no_more_events(tmp_path, monkeypatch):
    monkeypatch.setattr(reserved_file.os, "write", Disk(60_100, 60_000))
    with hk.TraceWriter(
        tmp_path / "t", growing=True, row_group=100, reserve_bytes=60_000
    ) as out:
        out.add_heap("system")
        out.add_process("init")
        allocations(out, 0, 100)
        with pytest.raises(OSError, match="t") as caught:
            allocations(out, 100, 1)
    assert caught.value.errno == errno.ENOSPC


LIMITED = """
import resource, sys
import numpy as np
import heapkit as hk
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
out = hk.TraceWriter(sys.argv[1], growing=True, row_group=1000)
out.add_heap("system"), out.add_process("init")
while not out.full:
    n, at = 500, len(out)
    size = np.random.default_rng(at).integers(1, 2**40, n)
    out.append(op=np.zeros(n, int), buffer=at + np.arange(n), size=size, heap="system",
               time_ns=at + np.arange(n), process="init")
out.close()
print(len(out))
"""


def test_a_limit_on_the_length_of_files_leaves_a_whole_file(tmp_path):
    path = tmp_path / "t.parquet"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, path], check=True, capture_output=True
    )
    assert len(hk.Trace.read(path)) == int(done.stdout) > 50_000
