# SPDX-License-Identifier: MIT
"""Calls of the core are as long as an interrupt may wait."""

import os
import signal
import subprocess
import sys

import pytest

from heapkit import pace

# A shell's background jobs ignore the signal, and so would their children.
REPLAY = """
import signal
import numpy as np
import heapkit as hk

n = 2_000_000
trace = hk.Trace.from_columns(
    op=np.tile(np.array([0, 1], np.uint8), n),
    buffer=np.zeros(2 * n, np.uint32),
    size=np.full(2 * n, 64 << 20, np.uint64),
    heap="system",
    time_ns=np.arange(2 * n),
)
board = hk.Board(name="b", memory=hk.Memory(total=hk.GiB), heaps=(hk.SystemHeap(),))
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    print("ready", flush=True)
    while True:
        hk.replay(trace, board)
except KeyboardInterrupt:
    print("interrupted")
"""


def parts(n, seconds_an_event, monkeypatch):
    """The slices of a replay that takes so long; the clock is a number here."""
    now = [0.0]
    monkeypatch.setattr(pace.time, "monotonic", lambda: now[0])
    taken = []
    for part in pace.slices(n, progress=False):
        taken.append(part)
        now[0] += (part.stop - part.start) * seconds_an_event
    return taken


@pytest.mark.parametrize("n", [0, 1, pace.FIRST, 3_000_000])
def test_slices_cover_every_event_once(n, monkeypatch):
    taken = parts(n, 1e-7, monkeypatch)
    assert [i for part in taken for i in (part.start, part.stop)] == [
        *([0] if n else []),
        *(edge for part in taken[1:] for edge in (part.start, part.start)),
        *([n] if n else []),
    ]


@pytest.mark.parametrize("ns", [20, 480, 20_000])
def test_a_call_lasts_as_long_as_the_measured_rate_allows(ns, monkeypatch):
    taken = parts(20_000_000, ns / 1e9, monkeypatch)
    longest = max(part.stop - part.start for part in taken[1:])
    assert longest <= max(pace.CALL_S * 1e9 / ns, 1)


def test_a_call_grows_step_by_step_and_not_beyond_bounds():
    one = pace.Pace()
    one.took(one.events, 1e-12)
    assert one.events == pace.GROWTH * pace.FIRST
    for _ in range(20):
        one.took(one.events, 1e-12)
    assert one.events == pace.MOST
    one.took(1, 1e6)
    assert one.events == 1


def test_progress_is_shown_on_request_only(capsys):
    for wanted in (False, True):
        with pace.bar(1000, progress=wanted) as show:
            show(1000)
        assert ("event" in capsys.readouterr().err) == wanted


@pytest.mark.parametrize("events", [1000, pace.SHOW_PROGRESS_FROM + 1])
def test_progress_shows_itself_after_a_while_on_a_long_trace(
    events, monkeypatch, capsys
):
    monkeypatch.setattr(pace, "SHOW_PROGRESS_AFTER_S", -1)
    with pace.bar(events, progress=None) as show:
        show(events)
    shown = capsys.readouterr().err
    assert ("event" in shown) == (events > pace.SHOW_PROGRESS_FROM)


def test_a_resumed_bar_starts_where_the_replay_was(capsys):
    with pace.bar(1000, progress=True, done=600) as show:
        show(700)
    assert "60%" in capsys.readouterr().err


def test_a_real_interrupt_ends_a_long_replay():
    with subprocess.Popen(
        [sys.executable, "-c", REPLAY],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGINT)
        assert process.stdout.read() == "interrupted\n"
    assert process.returncode == 0
