# SPDX-License-Identifier: MIT
"""``heapkit introspect``: what a kernel knows of its buffers and memory."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from heapkit.cli import inputs
from heapkit.introspection import look, tables
from heapkit.introspection.printable import printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to look, and where to keep what was read."""
    parser.add_argument(
        "--root",
        metavar="DIRECTORY",
        default="/",
        help="a capture, with its proc and sys (default: this machine)",
    )
    parser.add_argument(
        "--capture",
        metavar="DIRECTORY",
        help="keep the files that were read in a new directory, for --root",
    )
    parser.add_argument(
        "--tolerant",
        action="store_true",
        help="pass over a source that is malformed, and say so",
    )
    inputs.json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Print it."""
    if args.capture is not None and Path(args.capture).exists():
        raise ValueError(f"--capture {args.capture}: there is something already")
    seen = look.introspect(args.root, strict=not args.tolerant)
    if args.capture is not None:
        seen.capture(args.capture)
    if args.json:
        print(json.dumps(tables.facts(seen), indent=2))
    else:
        print(_text(seen))
    return 0


def _text(seen: look.Introspection) -> str:
    rows = tables.buffer_rows(seen)
    parts = [repr(seen), _sources(seen)]
    if rows:
        parts.append(_columns(tables.BUFFER_HEADS, rows))
    if seen.cma:
        parts.append(_columns(tables.AREA_HEADS, tables.area_rows(seen)))
    return "\n\n".join(parts)


def _sources(seen: look.Introspection) -> str:
    lines = []
    for source in seen.sources:
        lines.append(f"{source.status:9}  {source.name}: {source.why or source.gives}")
        if source.remedy:
            lines.append(f"{'':11}{source.remedy}")
    return "\n".join(lines)


def _columns(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)
