# SPDX-License-Identifier: MIT
"""In the guest: random requests to a CMA heap, its bitmap after each of them.

    python -m tests.live.fidelity.record_cma FILE SEED REQUESTS

A recording is text. The first line is JSON: seed, kernel, area. Then a line for
each request and, where something changed, the line that debugfs gives for the
bitmap; "=" stands for one that is as before. The last line counts the places that
were busy.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TextIO

from tests.live.fidelity import sequences
from tests.live.fidelity.client import client, kernel, say, step
from tests.live.fidelity.tracing import Instance

AREAS = Path("/sys/kernel/debug/cma")
BUSY = "cma/cma_alloc_busy_retry"
WHOLE = 1 << 20  # bytes; no bitmap's line is longer


class Area:
    """What debugfs says of an area. Its files cannot be read twice by one open()."""

    def __init__(self, name: str) -> None:
        self._path = os.fsencode(AREAS / name)

    def read(self, name: bytes) -> bytes:
        """The line of a file of the area, such as ``used`` or ``bitmap``.

        Without its newline, which a bitmap with nothing but long words lacks anyway.
        """
        fd = os.open(self._path + b"/" + name, os.O_RDONLY)
        try:
            return os.read(fd, WHOLE).rstrip()
        finally:
            os.close(fd)


def record(out: TextIO, heap: str, seed: int, count: int) -> None:
    """``count`` requests, written to ``out``."""
    area = Area(heap)
    head = {"heap": heap, "kernel": kernel(), "seed": seed, "requests": count}
    numbers = ("base_pfn", "count", "order_per_bit")
    head |= {name: int(area.read(name.encode())) for name in numbers}
    last = area.read(b"bitmap")
    out.write(f"{json.dumps(head)}\n{last.decode()}\n")
    plan = sequences.requests(seed, sequences.cma(head["count"]))
    with client(heap) as buffers, Instance(BUSY) as trace:
        answer: bool | None = None
        for _ in range(count):
            request = plan.send(answer)  # type: ignore[arg-type]
            line, answer = step(buffers, request)
            now = area.read(b"bitmap")
            seen = "=" if now == last else now.decode()
            out.write(f"{line} {int(area.read(b'used'))}\n{seen}\n")
            last = now
        out.write(f"busy {trace.text().count('cma_alloc_busy_retry:')}\n")


def main(path: str, seed: int, count: int) -> None:
    """One recording of the first CMA heap."""
    heaps = [p.name for p in AREAS.iterdir() if Path("/dev/dma_heap", p.name).exists()]
    start = time.monotonic()
    with Path(path).open("w") as out:
        record(out, heaps[0], seed, count)
    say(f"{heaps[0]}: {count} requests in {time.monotonic() - start:.1f} s, {seed=}")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:4]))
