# SPDX-License-Identifier: MIT
"""The four traces; native/bench/trace.h says what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

import heapkit as hk
from benchmarks import program
from heapkit import KiB

EVENT = np.dtype([(name, "u4") for name in ("op", "buffer", "pages", "unused")])
PAGE = 4 * KiB
HEAP = "heap"
EVENT_NS = 100_000  # between two events, in simulated time


@dataclass(frozen=True)
class Kind:
    """A trace's name, its length and the size of its heap."""

    name: str
    events: int
    heap_bytes: int


KINDS = (
    Kind("camera", 2_000_000, 2 * hk.GiB),
    Kind("mixed", 4_000_000, 2 * hk.GiB),
    Kind("small-churn", 8_000_000, 8 * hk.GiB),
    Kind("near-full", 4_000_000, 2 * hk.GiB),
)


def events(name: str, count: int) -> NDArray[np.void]:
    """The first ``count`` events, as :data:`EVENT` records."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        program.ask("trace", name, path, events=count)
        return np.fromfile(path, EVENT)


def trace(records: NDArray[np.void]) -> hk.Trace:
    """For the board's heap named :data:`HEAP`."""
    return hk.Trace.from_columns(
        op=records["op"].astype(np.uint8),
        buffer=records["buffer"],
        size=records["pages"].astype(np.uint64) * PAGE,
        heap=HEAP,
        time_ns=np.arange(len(records), dtype=np.int64) * EVENT_NS,
    )


def carveout(kind: Kind) -> hk.Board:
    """A first-fit carveout, and nothing else."""
    return hk.Board(
        name="carveout",
        heaps=(hk.CarveoutHeap(name=HEAP, size=kind.heap_bytes, base=32 * hk.GiB),),
    )


def pooled(kind: Kind) -> hk.Board:
    """A system heap with Android's pools over as much memory as the trace's heap.

    What is in the pools is not free, so that they are reclaimed from.
    """
    pool = hk.PagePool(deferred_free=False)
    return hk.Board(
        name="pooled",
        memory=hk.Memory(total=kind.heap_bytes, base=32 * hk.GiB),
        heaps=(hk.SystemHeap(name=HEAP, pool=pool),),
    )
