# SPDX-License-Identifier: MIT
"""``heapkit run``: an unmodified program on simulated heaps."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from heapkit.cli import inputs

if TYPE_CHECKING:
    from heapkit.preload import Outcome

# What ends a program from outside. It gets them too, and says how it ends.
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The board, what goes wrong on request, and the program."""
    parser.usage = "%(prog)s --board PRESET [OPTION ...] -- PROGRAM [ARGUMENT ...]"
    inputs.board_arguments(parser)
    parser.add_argument(
        "--record", metavar="FILE", type=Path, help="write the trace to this file"
    )
    parser.add_argument(
        "--fail",
        metavar="HEAP=WHICH",
        action="append",
        default=[],
        type=inputs.typed(fault),
        help="make allocations fail with ENOMEM: camera=3 the third one of the heap, "
        "camera=5%% one in twenty; may be repeated",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="of the share that fails (default: 1)"
    )
    parser.add_argument(
        "--latency",
        metavar="FACTOR",
        type=float,
        default=0.0,
        help="let calls take the time that the board's costs say, times this "
        "(default: 0, no time of their own)",
    )
    parser.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        help="write what came of it to this file; without it a few words on "
        "standard error",
    )
    parser.add_argument(
        "--quiet", action="store_true", help="print nothing that the program did not"
    )


def fault(text: str) -> tuple[str, int | float]:
    """``"camera=3"`` as ``("camera", 3)``, ``"camera=5%"`` as ``("camera", 0.05)``."""
    heap, _, word = text.rpartition("=")
    number = word.removesuffix("%")
    try:
        share = word != number or "." in word
        which = float(number) if share else int(number)
    except ValueError:
        heap = ""
    if not heap:
        allowed = "HEAP=N, HEAP=SHARE or HEAP=PERCENT%, such as camera=3 or camera=5%"
        raise ValueError(f"{text!r} is not {allowed}")
    return heap, which / 100 if word != number else which


def run(args: argparse.Namespace) -> int:
    """Run the program; its exit status is this one's."""
    from heapkit import preload

    if not args.program:
        raise ValueError("give the program behind --, as in: -- ls -l")
    wanted: dict[str, list[int | float]] = {}
    for heap, which in args.fail:
        wanted.setdefault(heap, []).append(which)
    outcome = preload.run(
        inputs.board(args),
        args.program,
        record=args.record,
        fail=wanted,
        seed=args.seed,
        latency=args.latency,
        started=_forward_signals,
    )
    if args.json is not None:
        args.json.write_text(json.dumps(facts(outcome), indent=2) + "\n")
    told = (outcome.warning, outcome.problem) if args.quiet else (str(outcome),)
    for line in "\n".join(text for text in told if text).splitlines():
        print("heapkit:", line, file=sys.stderr)
    return outcome.status


def facts(outcome: Outcome) -> dict[str, Any]:
    """An outcome as JSON has it."""
    return {
        "status": outcome.status,
        "seconds": outcome.seconds,
        "counts": dict(outcome.counts),
        "processes": list(outcome.processes),
        "left": [held._asdict() for held in outcome.left],
        "open": [held._asdict() for held in outcome.open],
        "record": None if outcome.record is None else str(outcome.record),
        "problem": outcome.problem,
        "warning": outcome.warning,
    }


def _forward_signals(child: subprocess.Popen[bytes]) -> None:
    """Hand on what should end the run: the program decides, and is waited for."""

    def forward(number: int, _frame: FrameType | None) -> None:
        # A key at the terminal reaches the whole foreground group by itself.
        if not (number == signal.SIGINT and _in_foreground()):
            child.send_signal(number)

    for number in FORWARDED:
        signal.signal(number, forward)


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
