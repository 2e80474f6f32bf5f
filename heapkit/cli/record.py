# SPDX-License-Identifier: MIT
"""``heapkit record``: what a running kernel's heaps are asked, as a trace."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from heapkit.cli import inputs
from heapkit.errors import BackendUnavailable
from heapkit.recorder.recording import INTERVAL_S, Recording, record

_LOOK_S = 0.2  # how often the progress line is written anew


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The file, how long, how often, and how much."""
    parser.add_argument("out", metavar="OUT", help="the trace, a Parquet file")
    parser.add_argument(
        "--seconds", type=float, metavar="N", help="stop by itself (default: Ctrl-C)"
    )
    parser.add_argument(
        "--interval",
        type=float,
        default=INTERVAL_S,
        metavar="SECONDS",
        help=f"between two readings of the lists (default: {INTERVAL_S})",
    )
    parser.add_argument(
        "--pages",
        type=int,
        metavar="ORDER",
        help="the page allocator's blocks of that order and larger ones, too",
    )
    parser.add_argument(
        "--cma-heap",
        action="append",
        default=[],
        metavar="NAME",
        help="a heap that hands out of a CMA area of another name; may be repeated",
    )
    parser.add_argument(
        "--root",
        metavar="DIRECTORY",
        default="/",
        help="another place of /proc and /sys (default: this machine's)",
    )
    inputs.json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Record until it is told to stop, and say what was recorded."""
    if args.seconds is not None and not args.seconds > 0:
        raise ValueError(f"--seconds {args.seconds}: allowed: more than 0")
    with _signals() as told:
        try:
            recording = record(
                args.out,
                interval=args.interval,
                pages=args.pages,
                cma_heaps=args.cma_heap,
                root=args.root,
            )
        except BackendUnavailable as error:
            raise ValueError(str(error)) from None
        _say_sources(recording)
        _wait(recording, told, args.seconds)
        try:
            recording.stop()
        finally:
            print(_json(recording) if args.json else _text(recording))
    return 1 if recording.full else 0


@contextmanager
def _signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set: both end a recording properly."""
    told = threading.Event()
    before = {
        number: signal.signal(number, lambda *_: told.set())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(recording: Recording, told: threading.Event, seconds: float | None) -> None:
    shows = sys.stderr.isatty()
    end = None if seconds is None else time.monotonic() + seconds
    while recording.running and not told.is_set():
        left = _LOOK_S if end is None else min(_LOOK_S, end - time.monotonic())
        if left <= 0:
            break
        told.wait(left)
        if shows:
            print(f"\r{_line(recording)}\033[K", end="", file=sys.stderr, flush=True)
    if shows:
        print(file=sys.stderr)


def _line(recording: Recording) -> str:
    return (
        f"{recording.elapsed:.1f} s, {recording.events} events, {recording.lost} lost"
    )


def _say_sources(recording: Recording) -> None:
    for source in recording.sources:
        said = f"{source.name}: {source.why or source.gives}"
        remedy = f" ({source.remedy})" if source.remedy else ""
        print(f"heapkit: {source.status:7} {said}{remedy}", file=sys.stderr)


def _text(recording: Recording) -> str:
    said = [f"{recording.path}: {_line(recording)}, {recording.status}"]
    said.append(f"{recording.present} buffers were there at the start")
    if recording.refused:
        said.append(f"{recording.refused} requests were refused by the kernel")
    if recording.unparsed:
        first = recording.first_unparsed
        said.append(f"{recording.unparsed} lines were not understood, first {first!r}")
    return "\n".join(said)


def _json(recording: Recording) -> str:
    names = ("events", "lost", "unparsed", "refused", "present", "status")
    facts: dict[str, Any] = {name: getattr(recording, name) for name in names}
    facts |= {"path": str(recording.path), "seconds": round(recording.elapsed, 3)}
    facts["sources"] = {s.name: s.status for s in recording.sources}
    return json.dumps(facts, indent=2)
