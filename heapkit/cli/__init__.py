# SPDX-License-Identifier: MIT
"""The command line: ``heapkit replay``, ``explain``, ``size`` and others.

Each command calls the functions of the package and prints what they return.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from heapkit.cli.commands import COMMANDS
from heapkit.offers import version

# The exit statuses besides 0 and 1, which a command returns itself. The last two
# are 128 and the signal, as in shells.
WRONG = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command and return its exit status.

    ``SystemExit``, as argparse raises it: 0 after ``--help``, 2 for a wrong usage.
    """
    try:
        try:
            return _dispatch(sys.argv[1:] if argv is None else argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes once more on exit, which would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt as stop:
        # What was stopped may say how to go on.
        if stop.args:
            print("heapkit:", stop, file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError) as error:
        print("heapkit:", " ".join(str(error).splitlines()), file=sys.stderr)
        return WRONG


def _dispatch(argv: Sequence[str]) -> int:
    name = _top_parser().parse_args(argv[:1]).command
    command = COMMANDS[name]
    parser = _Parser(
        prog=f"heapkit {name}",
        description=f"{command.summary[0].upper()}{command.summary[1:]}.",
        epilog=f"example:\n  heapkit {name} {command.example}",
    )
    command.add_arguments(parser)
    words, program = list(argv[1:]), []
    if command.takes_program and "--" in words:
        program = words[words.index("--") + 1 :]
        words = words[: words.index("--")]
    # The plain parse_args() of Python 3.11 takes no EVENT behind an option.
    args = parser.parse_intermixed_args(words)
    if command.takes_program:
        args.program = program
    return command.run(args)


def _top_parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    commands = "".join(
        f"  {name:{width}} {c.summary}\n" for name, c in COMMANDS.items()
    )
    parser = _Parser(
        prog="heapkit",
        description="A laboratory for Linux DMA-BUF heaps.",
        epilog=f"commands:\n{commands}\nexample:\n  heapkit replay --help",
    )
    shown = f"heapkit {version('heapkit')}"
    parser.add_argument("--version", action="version", version=shown)
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND")
    return parser


class _Parser(argparse.ArgumentParser):
    """One that complains in one line."""

    def __init__(self, **options: Any) -> None:
        raw = argparse.RawDescriptionHelpFormatter
        super().__init__(formatter_class=raw, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(WRONG, f"heapkit: {message} (see {self.prog} --help)\n")
