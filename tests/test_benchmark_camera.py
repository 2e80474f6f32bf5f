# SPDX-License-Identifier: MIT
"""The phone in SimPy has what the core has, in every column of every row."""

import errno

import numpy as np
import pytest

import heapkit as hk
from benchmarks import camera, program
from benchmarks.core import Core
from benchmarks.peers.phone import Row
from heapkit import GiB, MiB, _ffi
from heapkit.units import MS, S


def phone(memory: int) -> hk.Board:
    return hk.Board(
        name="phone",
        memory=hk.Memory(total=memory, base=2 * GiB),
        heaps=(
            hk.SystemHeap(name="system-pooled", pool=hk.PagePool()),
            hk.CarveoutHeap(name="camera", size=64 * MiB),
        ),
        devices=(hk.Device("gpu", coherent=True), hk.Device("codec", iommu=True)),
    )


def rows_of_the_peer(trace, board):
    """After the core has been found to have the same."""
    model = camera.peer(trace, board)
    model.advance(camera.events_of(trace, board, len(trace)))
    core = Core(trace, board)
    core.advance(len(trace))
    camera.compare(core, model.rows)
    return model.rows


def test_phone_in_simpy_has_every_column_of_a_replay():
    columns = (*_ffi.ROW.names, *_ffi.GAUGES.names)
    assert columns == Row._fields


def test_phone_in_simpy_falls_back_defers_and_takes_from_pools_like_the_core():
    trace = hk.workloads.camera_boot(seed=2, launches=10)
    rows = rows_of_the_peer(trace, hk.Board.preset("phone-8g"))
    assert {row.tried for row in rows} == {0, 1, 2}
    assert any(row.deferred_bytes for row in rows)
    assert any(row.pool_entries for row in rows)
    assert {row.status for row in rows} == {0}


def test_phone_in_simpy_refuses_what_does_not_fit_like_the_core():
    trace = hk.workloads.camera_boot(seed=3, launches=10)
    rows = rows_of_the_peer(trace, phone(256 * MiB))
    assert {row.status for row in rows} == {0, -errno.ENOMEM}


def test_phone_in_simpy_drains_what_waits_and_what_is_being_zeroed_like_the_core():
    # Of 64 MiB each buffer wants 40, at once, a millisecond and a second after the
    # one before was freed: from the list, from the thread's hand, from the pools.
    times = np.array([0, 10, 10, 20, 20 + MS, 2 * S, 3 * S, 4 * S])
    trace = hk.Trace.from_columns(
        op=np.tile(np.array([0, 1], np.uint8), 4),
        buffer=np.arange(8, dtype=np.uint32) // 2,
        size=np.full(8, 40 * MiB),
        heap="system-pooled",
        time_ns=times,
        device=np.zeros(8, np.uint16),
        devices=("codec",),
        access=np.full(8, 3, np.uint8),
        offset=np.zeros(8, np.int64),
    )
    rows = rows_of_the_peer(trace, phone(64 * MiB))
    assert {row.status for row in rows} == {0}
    assert [bool(row.pool_entries) for row in rows[::2]] == [False, False, False, True]


def test_phone_in_simpy_maintains_parts_of_a_buffer_like_the_core():
    trace = hk.workloads.video_playback(seed=1, seconds=20)
    rows_of_the_peer(trace, phone(GiB))


def test_a_phone_that_answers_otherwise_is_told_from_the_core():
    board = hk.Board.preset("phone-8g")
    trace = hk.workloads.camera_boot(seed=1, launches=1)
    slower = board.replace({"costs.map_entry": 21})
    model = camera.peer(trace, slower)
    model.advance(camera.events_of(trace, board, len(trace)))
    core = Core(trace, board)
    core.advance(len(trace))
    event = int((trace.op == hk.Op.MAP).argmax())
    with pytest.raises(program.WrongResult, match=f"latency_ns, event {event}:"):
        camera.compare(core, model.rows)
