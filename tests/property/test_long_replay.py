# SPDX-License-Identifier: MIT
"""Any trace, in a file, cut and stopped anywhere: the run of the whole."""

import numpy as np
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

import heapkit as hk
from heapkit import KiB, MiB, Op, long_replay, pace
from heapkit.histogram import MAX_ERROR

BOARD = hk.Board(
    name="small",
    memory=hk.Memory(total=64 * MiB),
    heaps=(
        hk.SystemHeap(pool=hk.PagePool()),
        hk.CarveoutHeap(name="camera", size=256 * KiB),
        hk.ChunkHeap(name="video", size=1 * MiB),
    ),
)
CHAINS = ("camera", "camera|system", "video|camera|video", "system")


@st.composite
def traces(draw):
    """Events of every op, most of them on buffers that are held."""
    rows, held, now = [], {}, 0
    for _ in range(draw(st.integers(0, 60))):
        now += draw(st.sampled_from([0, 1, 10**6, 10**8]))
        op = draw(st.sampled_from(Op))
        if op not in (Op.PRESSURE, Op.ALLOC) and not held:
            op = Op.ALLOC
        size = draw(st.integers(1, 300 * KiB))
        if op == Op.ALLOC:
            buffer = draw(st.integers(0, 2**64 - 1).filter(lambda i: i not in held))
            held[buffer] = 1
        elif op == Op.PRESSURE:
            buffer = 0
        else:
            buffer = draw(st.sampled_from(sorted(held)))
            held[buffer] += {Op.SHARE: 1, Op.FREE: -1}.get(op, 0)
            if not held[buffer]:
                del held[buffer]
        rows.append((op, buffer, size, draw(st.integers(0, len(CHAINS) - 1)), now))
    columns = [[row[i] for row in rows] for i in range(5)]
    return hk.Trace.from_columns(
        op=columns[0],
        buffer=np.array(columns[1], np.uint64),
        size=columns[2],
        heap=columns[3],
        heaps=CHAINS,
        time_ns=columns[4],
    )


def interrupted(path, checkpoint, calls):
    """Stop after so many calls of the core, and go on."""
    real = hk._ffi.Machine.replay_part
    left = [calls]

    def replay_part(self, *args, **options):
        found = real(self, *args, **options)
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return found

    hk._ffi.Machine.replay_part = replay_part
    try:
        return long_replay.replay_file(path, BOARD, checkpoint=checkpoint)
    except KeyboardInterrupt:
        return long_replay.replay_file(path, BOARD, checkpoint=checkpoint)
    finally:
        hk._ffi.Machine.replay_part = real


@settings(deadline=None, max_examples=40)
@given(trace=traces(), rows=st.integers(1, 70), calls=st.integers(1, 20))
def test_a_file_in_parts_and_stopped_is_summarised_as_the_trace(
    tmp_path_factory, trace, rows, calls
):
    folder = tmp_path_factory.mktemp("run")
    path = folder / "t.parquet"
    trace.write(path)
    pq.write_table(pq.read_table(path), path, row_group_size=rows)
    exact = hk.replay(trace, BOARD).summary()
    first, pace.FIRST = pace.FIRST, 3
    try:
        found = hk.replay_file(path, BOARD, batch=rows, buckets=8)
        whole = hk.replay_file(path, BOARD)
        resumed = interrupted(path, folder / "checkpoint", calls)
    finally:
        pace.FIRST = first
    assert resumed.equals(whole)
    summary, near = found.summary(), exact.pop("allocation_latency_ns")
    assert {name: summary[name] for name in exact} == exact
    for name, value in near.items():
        told = summary["allocation_latency_ns"][name]
        assert told == value or abs(told - value) <= MAX_ERROR * value
