# SPDX-License-Identifier: MIT
"""A trace file on a board, part by part: as long as it likes, in constant memory."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from heapkit import _ffi, arguments, checkpoint_file, metrics
from heapkit.backends.machine import machine, specification
from heapkit.board import Board
from heapkit.errors import FormatError
from heapkit.file_run import FileRun
from heapkit.pace import Pace, bar
from heapkit.replay import cma_counters
from heapkit.resolve import device_numbers, unknown_heap
from heapkit.trace import broken_rule
from heapkit.trace_parts import NO_CODE, TraceFile, TracePart

BATCH = 1 << 16  # rows: some 3 MiB of columns
CHECKPOINT_EVERY = 20_000_000  # events: some seconds of work are lost at most
BUCKETS = 2048
KEPT = 100


def replay_file(
    path: str | os.PathLike[str],
    board: Board,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int = CHECKPOINT_EVERY,
    batch: int = BATCH,
    buckets: int = BUCKETS,
    keep: int = KEPT,
    progress: bool | None = None,
) -> FileRun:
    """Carry out every event of the trace in ``path`` on an idle ``board``.

    What :func:`heapkit.replay` would do, for traces that do not fit into memory:
    the file is read ``batch`` rows at a time and only counts are kept, histograms of
    latency, the lowest and highest gauges in at most ``buckets`` spans of the trace
    (an even number), and the first ``keep`` refused events. Memory follows the
    board and the buffers held at once, not the length of the trace. What latencies
    are made of is not kept: :func:`heapkit.replay` has ``breakdown=True`` for that.

    With ``checkpoint``, a file name, the state is written there every
    ``checkpoint_every`` events and when the replay is interrupted; the same call goes
    on from that file if it is there, with the same result to the last bit, and
    removes it at the end. Ctrl-C and the notebook's stop button are answered within a
    fifth of a second, by a ``KeyboardInterrupt`` that says how to go on. ``progress``
    None shows a bar once the replay has taken a second, on a trace of more than a
    million events.

    ``FormatError``: a file that is no trace, with its first row that no trace may
    hold; a damaged checkpoint. ``ValueError``: a checkpoint of another trace, board
    or ``buckets`` and ``keep``; an event that asks for a heap which the board has
    not; an argument of the wrong type. ``OSError`` where a file cannot be opened or
    the checkpoint not be written. Nothing half-counted is returned.
    """
    _check_arguments(path, board, checkpoint)
    owner = "replay_file"
    every = arguments.integer(owner, "checkpoint_every", checkpoint_every, low=1)
    rows = arguments.integer(owner, "batch", batch, low=1, high=1 << 24)
    arguments.integer(owner, "buckets", buckets, low=2, high=1 << 20, multiple=2)
    arguments.integer(owner, "keep", keep, high=1 << 20)
    with TraceFile(path) as trace:
        replay = _Replay(trace, board, buckets=buckets, keep=keep)
        try:
            return _resumable(replay, rows, checkpoint, every, progress=progress)
        finally:
            replay.close()


def _check_arguments(path: Any, board: Any, checkpoint: Any) -> None:
    if not isinstance(path, (str, os.PathLike)):
        raise arguments.wrong("replay_file", "path", path, "the name of a file")
    if not isinstance(board, Board):
        raise arguments.wrong("replay_file", "board", board, "a heapkit.Board")
    if checkpoint is None:
        return
    if not isinstance(checkpoint, (str, os.PathLike)):
        allowed = "the name of a file, or None"
        raise arguments.wrong("replay_file", "checkpoint", checkpoint, allowed)
    if Path(checkpoint).exists() and Path(checkpoint).samefile(path):
        allowed = "another file than the trace"
        raise arguments.wrong("replay_file", "checkpoint", checkpoint, allowed)


def _resumable(
    replay: _Replay,
    rows: int,
    checkpoint: str | os.PathLike[str] | None,
    every: int,
    *,
    progress: bool | None,
) -> FileRun:
    if checkpoint is None:
        try:
            replay.run(rows, progress=progress)
        except KeyboardInterrupt:
            told = "; with checkpoint=FILE it could go on from there"
            raise KeyboardInterrupt(replay.stopped() + told) from None
        return replay.result()

    checkpoint_file.check_writable(checkpoint)
    if Path(checkpoint).exists():
        replay.load(checkpoint)
    try:
        replay.run(
            rows, progress=progress, save=lambda: replay.save(checkpoint), every=every
        )
    except KeyboardInterrupt:
        replay.save(checkpoint)
        told = f"; the same call goes on from there: checkpoint={str(checkpoint)!r}"
        raise KeyboardInterrupt(replay.stopped() + told) from None
    Path(checkpoint).unlink(missing_ok=True)
    return replay.result()


class _Replay:
    """A machine, what it needs of the parts before, and what was counted.

    The core brings all three from one event to a later one in one call, so that they
    fit together whenever an interrupt reaches Python.
    """

    def __init__(
        self, trace: TraceFile, board: Board, *, buckets: int, keep: int
    ) -> None:
        self._trace, self._board = trace, board
        self._devices, extra = device_numbers(trace.devices, board)
        self._n_devices = len(board.devices) + len(extra)
        known = {name: index for index, name in enumerate(board.heap_names)}
        chains = [chain.split("|") for chain in trace.heaps]
        self._unknown = np.array([not set(c) <= set(known) for c in chains], bool)
        # Chains that the board cannot serve are refused before the core sees them.
        self._chains = [[known[h] for h in c if h in known] for c in chains]
        self._intake = _ffi.Intake()
        granules = [metrics.granted_granule(heap) for heap in board.heaps]
        self._tally = _ffi.Tally(granules, buckets=buckets, kept=keep)
        self._machine = machine(board, extra_devices=extra)
        spec = specification(board, extra_devices=extra)
        self._owner = {
            "trace": trace.fingerprint(),
            "board": _digest([spec, board.heap_names]),
            "counts": [buckets, keep],
            "layout": _digest([str(a.dtype) for a in self._tally.arrays.values()]),
        }

    def close(self) -> None:
        self._machine.close()

    @property
    def events(self) -> int:
        return self._tally.events

    def stopped(self) -> str:
        return f"replay_file: stopped after {self.events} of {len(self._trace)} events"

    def result(self) -> FileRun:
        trace = self._trace
        return FileRun(
            trace.path,
            self._board,
            heaps=trace.heaps,
            devices=trace.devices,
            arrays=self._tally.arrays,
            cma_counters=cma_counters(self._machine, self._board),
        )

    # --- On the way ----------------------------------------------------------

    def run(
        self,
        rows: int,
        *,
        progress: bool | None,
        save: Callable[[], None] | None = None,
        every: int = 0,
    ) -> None:
        """From the event where it is to the end of the trace."""
        pace, saved = Pace(), self.events
        with (
            bar(len(self._trace), progress=progress, done=saved) as show,
            closing(_ahead(self._trace.parts(rows, first=saved))) as parts,
        ):
            for part in parts:
                self._replay(part, pace, show)
                if save is not None and self.events - saved >= every:
                    save()
                    saved = self.events

    def _replay(self, part: TracePart, pace: Pace, show: Callable[[int], None]) -> None:
        self._refuse_unknown_heaps(part)
        columns = self._columns(part)
        start = 0
        while start < len(part):
            span = slice(start, min(start + pace.events, len(part)))
            before = time.monotonic()
            found = self._machine.replay_part(
                columns, part.buffer, span, intake=self._intake, tally=self._tally
            )
            pace.took(span.stop - start, time.monotonic() - before)
            if found is not None:
                raise self._fault(part, found)
            start = span.stop
            show(self.events)

    def _columns(self, part: TracePart) -> _ffi.CTrace:
        if part.device is None:
            device = np.full(len(part), self._devices[0])
        elif not part.devices:
            device = part.device
        else:
            device = self._devices[part.device]
        return _ffi.CTrace(
            part, chains=self._chains, device=device, n_devices=self._n_devices
        )

    def _refuse_unknown_heaps(self, part: TracePart) -> None:
        if not self._unknown.any():
            return
        asked = (part.op == int(_ffi.Op.ALLOC)) & (part.chain != NO_CODE)
        asked[asked] = self._unknown[part.chain[asked]]
        if asked.any():
            row = int(np.argmax(asked))
            chain = part.heaps[part.chain[row]].split("|")
            heap = next(h for h in chain if h not in self._board.heap_names)
            raise unknown_heap(part.first + row, heap, self._board)

    def _fault(self, part: TracePart, found: _ffi.BrokenRule) -> FormatError:
        row = found.event - part.first
        before = int(part.time_ns[row - 1]) if row else self._tally.time_ns
        error = broken_rule(part, row, found.rule, before=before, first=part.first)
        return FormatError(str(error), path=self._trace.path)

    # --- Stopping and going on -----------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        if self._intake.events != self.events:
            return  # a bad event was met, and the interrupt came before it was told
        checkpoint_file.write(
            path,
            owner=self._owner,
            machine=self._machine.save(),
            intake=self._intake.save(),
            arrays=self._tally.arrays,
        )

    def load(self, path: str | os.PathLike[str]) -> None:
        found = checkpoint_file.read(path)
        for what in ("trace", "board", "counts"):
            if found.owner.get(what) != self._owner[what]:
                raise ValueError(
                    f"replay_file: checkpoint={str(path)!r} belongs to {_OTHER[what]}; "
                    "allowed: one of this call, or the name of no file"
                )
        if found.owner.get("layout") != self._owner["layout"]:
            raise FormatError("a checkpoint of another version", path=path)
        try:
            self._machine.load(found.machine)
            self._intake.load(found.intake)
        except ValueError as error:
            raise FormatError(f"a damaged checkpoint: {error}", path=path) from None
        found.fill(self._tally.arrays, path)
        if self._intake.events != self.events:
            raise FormatError("a damaged checkpoint: two positions", path=path)


def _ahead(parts: Iterator[TracePart]) -> Generator[TracePart, None, None]:
    """The same parts, each read while the one before is replayed."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        waiting = reader.submit(next, parts, None)
        while (part := waiting.result()) is not None:
            waiting = reader.submit(next, parts, None)
            yield part


_OTHER = {
    "trace": "another trace",
    "board": "another board",
    "counts": "other buckets or keep",
}


def _digest(what: object) -> str:
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
