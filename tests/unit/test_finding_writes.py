# SPDX-License-Identifier: MIT
"""The last write to a line, against a search that looks at every write."""

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, Op
from heapkit.finding_writes import NONE, Lines, last_write

SIZE, LINE, BUFFERS, EVENTS = 16 * KiB, 64, 3, 400


def random_trace(rng):
    """Buffers that are written to, in parts and to their ends; none is freed."""
    op = np.full(EVENTS, Op.CPU_WRITE)
    op[:BUFFERS] = Op.ALLOC
    size = rng.integers(0, 3 * LINE, EVENTS) * rng.integers(0, 9, EVENTS)
    size[:BUFFERS] = SIZE
    return hk.Trace.from_columns(
        op=op,
        buffer=np.append(
            np.arange(BUFFERS), rng.integers(0, BUFFERS, EVENTS - BUFFERS)
        ),
        size=size,
        offset=rng.integers(0, SIZE, EVENTS),
        heap="camera",
        time_ns=np.arange(EVENTS),
    )


def naive(trace, writes, buffer, event, line):
    for i in reversed([w for w in writes.tolist() if w < event]):
        start, size = int(trace.offset[i]), int(trace.size[i])
        end = start + size if size else SIZE
        if trace.op[i] == Op.ALLOC:
            start, end = 0, SIZE
        mine = trace.dense_buffer[i] == buffer
        if mine and start < (line + 1) * LINE and end > line * LINE:
            return i
    return NONE


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("first", [0, BUFFERS])
def test_the_last_write_is_the_one_that_a_search_finds(seed, first):
    rng = np.random.default_rng(seed)
    trace = random_trace(rng)
    writes = np.arange(first, EVENTS)
    rows = 300
    wanted = Lines(
        rng.integers(0, BUFFERS, rows),
        rng.integers(0, EVENTS + 1, rows),
        rng.integers(0, SIZE // LINE, rows),
    )
    columns = zip(wanted.buffer, wanted.event, wanted.line, strict=True)
    expected = [naive(trace, writes, b, e, n) for b, e, n in columns]
    found = last_write(trace, writes, wanted, LINE)
    assert found.tolist() == expected
    assert first == 0 or NONE in expected


def test_without_writes_there_is_no_last_one():
    trace = random_trace(np.random.default_rng(1))
    one, none = np.zeros(1, np.int64), np.zeros(0, np.int64)
    assert last_write(trace, none, Lines(one, one, one), LINE).tolist() == [NONE]
    writes = np.arange(EVENTS)
    assert len(last_write(trace, writes, Lines(none, none, none), LINE)) == 0
