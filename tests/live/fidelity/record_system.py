# SPDX-License-Identifier: MIT
"""In the guest: random requests to the system heap, and the page allocator's trace.

    python -m tests.live.fidelity.record_system FILE SEED REQUESTS

A recording is a line of JSON and then what trace_pipe gave: the attempts to get
pages, each with its order and whether it succeeded, and after those of a request
the mark that says what was asked and answered. Half of the requests find memory
in plenty; the others find it full of holes of 1, 7, 31 and 511 pages.
"""

from __future__ import annotations

import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from tests.live.fidelity import pressure, sequences
from tests.live.fidelity.client import client, kernel, say, step
from tests.live.fidelity.tracing import Instance

EVENT = "kmem/mm_page_alloc"
AMPLE = 32 << 20  # bytes held at once
SCARCE = 56 << 20  # below pressure.HOLES, so that order 0 never runs out
PERIODS = (2, 8, 32, 512)
EVERY = 16  # requests between two reads of the trace


def record(out: BinaryIO, seed: int, count: int) -> None:
    """``count`` requests in five parts."""
    head = {"heap": "system", "kernel": kernel(), "seed": seed, "requests": count}
    out.write(json.dumps(head).encode() + b"\n")
    quarter = count // 2 // len(PERIODS)
    with Instance(EVENT) as trace:
        part(out, trace, seed, count - quarter * len(PERIODS))
        for period in PERIODS:
            part(out, trace, seed, quarter, period=period)
        trace.mark(f"lost {trace.lost()}")
        out.write(trace.read())


def part(
    out: BinaryIO, trace: Instance, seed: int, count: int, *, period: int = 0
) -> None:
    """Requests under one condition; ``period`` 0 is memory in plenty."""
    pages = (SCARCE if period else AMPLE) // sequences.PAGE
    habits = sequences.scarce(pages) if period else sequences.system(pages)
    plan = sequences.requests(seed + period, habits)
    start = time.monotonic()
    with ExitStack() as stack:
        buffers = stack.enter_context(client("system"))
        if period:
            with trace.paused():
                stack.enter_context(pressure.holes(period))
        trace.mark(f"part {period} {pages} {count}")
        answer: bool | None = None
        for number in range(count):
            line, answer = step(buffers, plan.send(answer))  # type: ignore[arg-type]
            trace.mark(line)
            if number % EVERY == 0:
                out.write(trace.read())
        out.write(trace.read())
    say(f"one page kept in {period}: {count} in {time.monotonic() - start:.1f} s")


def main(path: str, seed: int, count: int) -> None:
    """One recording."""
    with Path(path).open("wb") as out:
        record(out, seed, count)
    say(f"system: {count} requests, {seed=}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:4]))
