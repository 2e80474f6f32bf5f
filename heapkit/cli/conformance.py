# SPDX-License-Identifier: MIT
"""``heapkit conformance``: whether heaps answer as Linux does."""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from heapkit.board import Board
from heapkit.cli import inputs

if TYPE_CHECKING:
    from heapkit.conformance import Comparison, Report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Whose heaps, which of them, which checks, and the form of the output."""
    heaps = parser.add_mutually_exclusive_group(required=True)
    heaps.add_argument("--board", metavar="PRESET", help=", ".join(Board.presets()))
    heaps.add_argument("--live", action="store_true", help="the running kernel's heaps")
    heaps.add_argument("--udmabuf", action="store_true", help="its heap of memfds")
    parser.add_argument(
        "--kernel", metavar="NAME", help="whose answers are right, as 6.12 or 7.3"
    )
    parser.add_argument(
        "--heap", metavar="HEAP", action="append", help="only this; may be repeated"
    )
    parser.add_argument(
        "--check",
        metavar="ID",
        action="append",
        help="only this, or all of 'mmap.*'; may be repeated",
    )
    parser.add_argument(
        "--dangerous",
        action="store_true",
        help="also what may wake the OOM killer, if --check names it in full",
    )
    parser.add_argument("--save", metavar="FILE", help="keep the report")
    parser.add_argument(
        "--compare", metavar="FILE", help="a report that was kept, of the other backend"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--tap", action="store_true", help="print TAP, a subtest for each heap"
    )
    inputs.json_argument(form)


def run(args: argparse.Namespace) -> int:
    """Ask, print the report and, with ``--compare``, what differs from another."""
    from heapkit.conformance import Report

    # A file that cannot be read is told before anything is asked.
    other = Report.read(args.compare) if args.compare else None
    report = _report(args)
    if args.save:
        report.write(args.save)
    comparison = None if other is None else _comparison(report, other)
    print(_shown(args, report, comparison), end="")
    agrees = comparison is None or comparison.ok
    return 0 if report.ok and agrees else 1


def _report(args: argparse.Namespace) -> Report:
    from heapkit import conformance

    with _heaps(args) as heaps:
        return conformance.run(
            Board.preset(args.board) if heaps is None else heaps,
            args.heap,
            kernel=args.kernel,
            checks=args.check,
            dangerous=args.dangerous,
            progress=inputs.progress(),
        )


def _heaps(args: argparse.Namespace) -> Any:
    """The kernel's heaps, to be closed; None for those of a board."""
    from heapkit.backends import live
    from heapkit.errors import BackendUnavailable

    try:
        if args.live:
            return live.live()
        return live.udmabuf() if args.udmabuf else nullcontext()
    except BackendUnavailable as error:
        raise ValueError(str(error)) from None


def _comparison(report: Report, other: Report) -> Comparison:
    from heapkit.conformance import compare

    if report.platform.backend == "sim":
        return compare(report, other)
    return compare(other, report)


def _shown(
    args: argparse.Namespace, report: Report, comparison: Comparison | None
) -> str:
    if args.json:
        told = json.loads(report.to_json())
        if comparison is not None:
            told["comparison"] = comparison.facts()
        return json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    if args.tap:
        lines = "" if comparison is None else str(comparison)
        notes = "".join(f"# {line}\n" for line in lines.splitlines())
        return report.tap() + notes
    return "\n\n".join(map(str, filter(None, (report, comparison)))) + "\n"
