# SPDX-License-Identifier: MIT
"""``heapkit replay-file``: a trace of any length."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from heapkit.cli import inputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The trace, the board, and where a stopped replay is kept."""
    parser.add_argument(
        "file", metavar="FILE", help="a trace in a Parquet file, of any length"
    )
    inputs.board_arguments(parser)
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        type=Path,
        help="keep the state here while it runs, and go on from it if it is there",
    )
    what = "lowest, mean and highest gauges of each heap and span"
    inputs.csv_argument(parser, what)
    inputs.json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Replay the file and print its summary."""
    from heapkit.cli.text import run_text
    from heapkit.long_replay import replay_file

    inputs.check_csv(args)
    if not Path(args.file).is_file():
        raise ValueError(f"FILE {args.file!r}: no such file")
    done = replay_file(
        args.file,
        inputs.board(args),
        checkpoint=args.checkpoint,
        progress=inputs.progress(),
    )
    if args.csv is not None:
        done.to_frame().to_csv(args.csv, index=False)
    summary = done.summary()
    print(json.dumps(summary, indent=2) if args.json else run_text(done, summary))
    return 0
