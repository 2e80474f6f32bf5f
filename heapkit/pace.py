# SPDX-License-Identifier: MIT
"""How long a call of the core may take, and how far a replay has come.

The core runs without looking back at Python, so an interrupt waits for the end of
its call. A call is made as long as the measured rate allows.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

# Ctrl-C is to be answered within 0.2 s, and still is when the rate drops to an
# eighth; the 10 µs that a call costs are less than one part in a thousand.
CALL_S = 0.025
# Events of the first call, whose rate nobody knows (5 µs an event would fit), and of
# any call at most.
FIRST, MOST = 1 << 15, 1 << 20
GROWTH = 4  # a call is at most so many times as long as the one before

SHOW_PROGRESS_AFTER_S = 1.0
SHOW_PROGRESS_FROM = 1 << 20  # events; a shorter replay is done before it is read


class Pace:
    """How many events the next call takes."""

    def __init__(self) -> None:
        self.events = FIRST

    def took(self, events: int, seconds: float) -> None:
        """Learn from a call of ``events``."""
        fitting = int(events * CALL_S / max(seconds, 1e-9))
        self.events = max(1, min(fitting, GROWTH * self.events, MOST))


def slices(n: int, *, progress: bool | None) -> Iterator[slice]:
    """Parts of ``range(n)``; a bar follows them if it is wanted.

    An interrupt reaches Python between two of them.
    """
    pace = Pace()
    with bar(n, progress=progress) as show:
        start = 0
        while start < n:
            part = slice(start, min(start + pace.events, n))
            before = time.monotonic()
            yield part
            pace.took(part.stop - start, time.monotonic() - before)
            start = part.stop
            show(start)


def cut(parts: Iterable[slice], every: int | None) -> Iterator[slice]:
    """The parts, cut at every multiple of ``every``."""
    for part in parts:
        start = part.start
        while every and start // every < (part.stop - 1) // every:
            stop = (start // every + 1) * every
            yield slice(start, stop)
            start = stop
        yield slice(start, part.stop)


@contextmanager
def bar(total: int, *, progress: bool | None, done: int = 0) -> Iterator[Any]:
    """A function to call with the events done so far, of which ``done`` are old.

    It shows a bar with the rate and the time that is left: at once if ``progress``
    is True, never if it is False, and if it is None on a replay of many events that
    takes its time.
    """
    started = time.monotonic()
    shown: list[tqdm[Any]] = []

    def show(events: int) -> None:
        if not shown:
            late = time.monotonic() - started > SHOW_PROGRESS_AFTER_S
            by_itself = progress is None and late and total > SHOW_PROGRESS_FROM
            if not (progress or by_itself):
                return
            from tqdm import tqdm

            options = {"unit": "event", "unit_scale": True, "initial": done}
            shown.append(tqdm(total=total, **options))
        shown[0].update(events - shown[0].n)

    try:
        yield show
    finally:
        for one in shown:
            one.close()
