# SPDX-License-Identifier: MIT
"""States kept on the way through a trace, and the way back to any event."""

import copy
import pickle
import threading

import numpy as np
import pytest

import heapkit as hk
from heapkit import MiB, _ffi, checkpoints
from heapkit.backends.machine import layout, machine
from heapkit.resolve import resolve

BOARD = hk.Board(
    name="bench",
    memory=hk.Memory(total=64 * MiB),
    heaps=(
        hk.SystemHeap(name="system", pool=hk.PagePool()),
        hk.CarveoutHeap(name="camera", size=4 * MiB, base=1 << 35),
    ),
)
EVENTS = 400


def long_trace(seed=3):
    """Allocations and frees on both heaps, most of them served."""
    rng = np.random.default_rng(seed)
    op, buffer, held = [], [], []
    for i in range(EVENTS):
        if held and (len(held) > 20 or rng.random() < 0.4):
            op.append(1)
            buffer.append(held.pop(rng.integers(len(held))))
        else:
            op.append(0)
            buffer.append(1000 + i)
            held.append(1000 + i)
    return hk.Trace.from_columns(
        op=op,
        buffer=buffer,
        size=rng.integers(1, MiB, EVENTS),
        heap=rng.integers(0, 3, EVENTS),
        heaps=("camera", "system", "camera|system"),
        time_ns=np.cumsum(rng.integers(0, 200_000, EVENTS)),
    )


TRACE = long_trace()


@pytest.fixture
def run():
    return hk.replay(TRACE, BOARD)


@pytest.fixture
def often(monkeypatch):
    """Checkpoints so close that a short trace has many."""
    monkeypatch.setattr(checkpoints, "WORK", 40)


def from_the_start(event, heap):
    """What a replay that stops after ``event`` leaves, without any checkpoint."""
    core = machine(BOARD)
    columns, _ = resolve(TRACE, BOARD)
    core.replay(columns, first=0, rows=np.empty(event + 1, dtype=_ffi.ROW))
    names = {dense: f"#{TRACE.buffer[i]}" for i, dense in enumerate(TRACE.dense_buffer)}
    return layout(BOARD, core, BOARD.heap_names.index(heap), name=names.__getitem__)


def way_back(run):
    return run._rewind


@pytest.mark.parametrize("event", [0, 1, 99, 100, 101, EVENTS - 1])
@pytest.mark.parametrize("every", [None, 1, 100, EVENTS, 10**6])
def test_snapshot_does_not_depend_on_the_checkpoints(event, every):
    run = hk.replay(TRACE, BOARD, checkpoint_every=every)
    for heap in BOARD.heap_names:
        assert run.snapshot(event, heap) == from_the_start(event, heap)


@pytest.mark.usefixtures("often")
def test_events_may_be_asked_for_in_any_order(run):
    for event in (300, 20, 21, 399, 0, 250, 251, 100):
        assert run.snapshot(event, "system") == from_the_start(event, "system")


@pytest.mark.usefixtures("often")
def test_checkpoints_are_made_as_far_as_is_asked(run):
    assert len(way_back(run)) == 0
    run.snapshot(10, "camera")
    few = len(way_back(run))
    run.snapshot(399, "camera")
    many = len(way_back(run))
    run.snapshot(200, "camera")
    assert 0 < few < many == len(way_back(run))
    assert way_back(run).size_bytes > 0


def test_a_replay_keeps_the_checkpoints_it_was_asked_for():
    points = way_back(hk.replay(TRACE, BOARD, checkpoint_every=100))
    assert (points.every, len(points)) == (100, 4)


def test_a_replay_with_checkpoints_is_the_same_run():
    plain, kept = hk.replay(TRACE, BOARD), hk.replay(TRACE, BOARD, checkpoint_every=7)
    assert all(np.array_equal(plain[name], kept[name]) for name in plain.columns)


@pytest.mark.usefixtures("often")
def test_every_second_checkpoint_goes_when_they_take_too_much(run, monkeypatch):
    run.snapshot(399, "camera")
    whole = way_back(run).size_bytes
    monkeypatch.setattr(checkpoints, "LIMIT_BYTES", whole // 3)
    small = hk.replay(TRACE, BOARD)
    assert small.snapshot(399, "camera") == run.snapshot(399, "camera")
    assert 0 < way_back(small).size_bytes <= whole // 3
    assert small.snapshot(33, "system") == run.snapshot(33, "system")


@pytest.mark.parametrize("every", [0, -1, 1.5, "10", True])
def test_checkpoint_every_is_a_positive_integer(every):
    with pytest.raises(ValueError, match="checkpoint_every="):
        hk.replay(TRACE, BOARD, checkpoint_every=every)


def test_copies_share_checkpoints_and_pickles_go_without(run):
    run.snapshot(399, "camera")
    assert way_back(copy.copy(run)) is way_back(run)
    assert way_back(copy.deepcopy(run)) is way_back(run)
    other = pickle.loads(pickle.dumps(run))  # noqa: S301 (its own bytes)
    assert len(way_back(other)) == 0
    assert other.snapshot(200, "system") == run.snapshot(200, "system")


@pytest.mark.usefixtures("often")
def test_any_thread_may_ask(run):
    events = list(range(0, EVENTS, 13))
    expected = {e: from_the_start(e, "system") for e in events}
    wrong = []

    def ask(mine):
        wrong.extend(e for e in mine if run.snapshot(e, "system") != expected[e])

    threads = [threading.Thread(target=ask, args=(events[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_explaining_leaves_the_machine_where_it_can_be_used(run):
    refused = int(np.flatnonzero(run["tried"] > 1)[0])
    told = run.explain(refused)
    assert run.snapshot(refused, "system") == from_the_start(refused, "system")
    assert run.explain(refused) == told


@pytest.mark.usefixtures("often")
def test_an_interrupted_way_back_is_taken_anew(run, monkeypatch):
    run.snapshot(399, "camera")

    def interrupt(*_args, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as stopped:
        stopped.setattr(hk._ffi.Machine, "replay", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run.snapshot(305, "camera")
    assert run.snapshot(305, "camera") == from_the_start(305, "camera")
