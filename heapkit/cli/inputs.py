# SPDX-License-Identifier: MIT
"""What several commands take: a trace, a board, the form of the output."""

from __future__ import annotations

import argparse
import functools
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from heapkit.board import Board
from heapkit.cli import values
from heapkit.trace import Trace

if TYPE_CHECKING:
    from heapkit.sizing import Workload

T = TypeVar("T")

# The functions of heapkit.workloads that ask a heap; it is imported when one is called.
WORKLOADS = ("camera_boot", "mixed_media", "small_churn", "uses", "video_playback")


def trace_arguments(parser: argparse.ArgumentParser) -> None:
    """TRACE and the board that it is replayed on."""
    parser.add_argument(
        "trace",
        metavar="TRACE",
        help=f"a file that 'heapkit read' calls a Trace, or {', '.join(WORKLOADS)}",
    )
    board_arguments(parser)
    parser.add_argument("--seed", type=int, help="of a workload (default: 1)")
    parser.add_argument(
        "--heap", metavar="CHAIN", help="what a workload asks, as in 'linux,cma|system'"
    )


def board_arguments(parser: argparse.ArgumentParser) -> None:
    """The board of a replay, and what is changed of it."""
    parser.add_argument(
        "--board", required=True, metavar="PRESET", help=", ".join(Board.presets())
    )
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=typed(values.setting),
        help="change the board, as in camera.size=64MiB; may be repeated",
    )


def json_argument(parser: argparse._ActionsContainer) -> None:
    """The form that programs read."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def trace(args: argparse.Namespace) -> Trace:
    """The trace of a file, or of a workload with its seed."""
    if args.trace in WORKLOADS:
        return _workload(args)(seed=1 if args.seed is None else args.seed)
    if args.seed is not None or args.heap is not None:
        raise ValueError(f"--seed and --heap are for a workload, not {args.trace!r}")
    if not Path(args.trace).exists():
        raise ValueError(
            f"TRACE {args.trace!r}: no such file, and no workload; "
            f"allowed: a file, {', '.join(WORKLOADS)}"
        )
    from heapkit.importers import read

    reading = read(args.trace)
    if not isinstance(reading, Trace):
        kind = type(reading).__name__
        raise ValueError(f"TRACE {args.trace!r}: holds no Trace but a {kind}")
    return reading


def _workload(args: argparse.Namespace) -> Workload:
    from heapkit import workloads

    workload: Workload = getattr(workloads, args.trace)
    if args.heap is not None:
        return functools.partial(workload, heap=args.heap)
    chain = inspect.signature(workload).parameters["heap"].default
    heaps = board(args).heap_names
    if not set(chain.split("|")) <= set(heaps):
        raise ValueError(
            f"{args.trace} asks for {chain!r}, which board {args.board!r} has not; "
            f"say --heap CHAIN; allowed: {', '.join(heaps)}"
        )
    return workload


def board(args: argparse.Namespace) -> Board:
    """The preset with what ``--set`` changes."""
    return Board.preset(args.board).replace(dict(args.set))


def csv_argument(parser: argparse.ArgumentParser, what: str) -> None:
    """A table in a file."""
    parser.add_argument(
        "--csv", metavar="OUT", type=Path, help=f"write {what} to this file"
    )


def check_csv(args: argparse.Namespace) -> None:
    """``ValueError`` if ``--csv`` has no folder: better now than after the replay."""
    if args.csv is not None and not args.csv.parent.is_dir():
        raise ValueError(f"--csv {str(args.csv)!r}: no such folder")


def progress() -> bool | None:
    """A bar where somebody watches, else none."""
    return None if sys.stderr.isatty() else False


def traces(args: argparse.Namespace) -> Trace | Workload:
    """A workload to be called with each seed, or the one trace of a file."""
    if args.trace in WORKLOADS and args.seed is None:
        return _workload(args)
    if args.seeds is not None:
        raise ValueError("--seeds: only for a workload, and not together with --seed")
    return trace(args)


def typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """``parse`` for argparse, which shows the words of this exception only."""

    def convert(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert
