# SPDX-License-Identifier: MIT
"""``heapkit calibrate``: what this machine's steps cost."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapkit.cli import inputs

if TYPE_CHECKING:
    from heapkit.calibration import Calibration

# The exit status with --strict where the times are not to be believed.
NO = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What is measured, and where it is kept."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--heap", metavar="NAME", help="this heap (default: all there are)"
    )
    what.add_argument(
        "--host", action="store_true", help="no heap: this process's memory alone"
    )
    what.add_argument(
        "--udmabuf", action="store_true", help="memfds as buffers, instead of a heap"
    )
    parser.add_argument(
        "--rounds", metavar="N", type=int, help="buffers of each size (default: 24)"
    )
    parser.add_argument(
        "--save", metavar="FILE", type=Path, help="keep samples and facts here"
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help="exit status 1 for times not to be trusted",
    )
    inputs.json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Measure, print the constants with their intervals, and say if to trust them."""
    from heapkit.calibration import calibrate

    if args.save is not None and not args.save.parent.is_dir():
        raise ValueError(f"--save {str(args.save)!r}: no such folder")
    options: dict[str, Any] = {"progress": sys.stderr.isatty()}
    if args.rounds is not None:
        options["rounds"] = args.rounds
    with ExitStack() as opened:
        found = calibrate(_heaps(args, opened), heap=args.heap, **options)
    if args.save is not None:
        found.save(args.save)
    print(json.dumps(_facts(found), indent=2) if args.json else _text(found))
    return NO if args.strict and not found.trusted else 0


def _heaps(args: argparse.Namespace, opened: ExitStack) -> dict[str, Any] | None:
    if args.host:
        return {}
    if not args.udmabuf:
        return None
    from heapkit.backends import live
    from heapkit.errors import BackendUnavailable

    try:
        return {"udmabuf": opened.enter_context(live.udmabuf())}
    except BackendUnavailable as error:
        raise ValueError(f"--udmabuf: {error}") from None


def _facts(found: Calibration) -> dict[str, Any]:
    """What JSON can hold of it; an interval that has no end is null."""
    constants = []
    for name, cost in found.costs.items():
        claim = found.measured.get(name)
        constants.append(
            {
                "name": name,
                "value": cost.value,
                "unit": cost.unit,
                "low": claim.low if claim else None,
                "high": claim.high if claim else None,
                "status": cost.status,
                "source": cost.source,
                "why_not": found.why_unmeasured(name),
            }
        )
    return {
        "machine": str(found.machine),
        "when": found.machine.when,
        "settings": found.machine.settings,
        "trusted": found.trusted,
        "why_not": found.why_not,
        "noise": found.noise,
        "skipped": found.skipped,
        "constants": constants,
    }


def _text(found: Calibration) -> str:
    from heapkit.calibration.text import HEAD, effects_of, lines_of, verdict_of
    from heapkit.cli.text import columns

    told = [line for line in lines_of(found) if not found.why_unmeasured(line[0])]
    rest = [line for line in lines_of(found) if found.why_unmeasured(line[0])]
    table = [line[:4] for line in (HEAD, *told)]
    why = [f"{line[0]}: {line[-1]}" for line in rest]
    parts = (verdict_of(found), [columns(table)], effects_of(found))
    return "\n".join([*(line for part in parts for line in part), "", *why])
