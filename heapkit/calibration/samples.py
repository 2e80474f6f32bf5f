# SPDX-License-Identifier: MIT
"""What was timed: samples of one operation, in one place, of one size.

A *place* is a heap, or a kind of this process's memory. Its *kind* says how a buffer
is made up, and so what can be told from its times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import PAGE_SIZE
from heapkit.units import KiB, MiB

Times = NDArray[np.int64]

# The system heap of Linux since 5.6: blocks of order 8, 4 and 0, the largest first
# (drivers/dma-buf/heaps/system_heap.c). Without a failed order the counts follow.
SYSTEM_BLOCKS = (1 * MiB, 64 * KiB, PAGE_SIZE)
# "fresh" memory was not given back just now; "repeated" is likely to be the same.
STATES = ("fresh", "repeated")
KINDS = ("system", "cma", "heap", "udmabuf", "memfd", "anonymous", "area")
# The MAD of a normal distribution times this is its standard deviation.
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was measured. ``kind`` is one of :data:`KINDS`."""

    name: str
    kind: str

    def __str__(self) -> str:
        return (
            f"{self.name} heap"
            if self.kind in {"system", "cma", "heap"}
            else ({"area": "this process's memory"}.get(self.kind, self.name))
        )


@dataclass(frozen=True, eq=False, slots=True)
class Samples:
    """Nanoseconds of one operation. ``size`` is bytes, of a buffer or a block."""

    place: Place
    operation: str
    state: str
    size: int
    ns: Times

    @property
    def median(self) -> float:
        """The middle one."""
        return float(np.median(self.ns))

    @property
    def least(self) -> float:
        """The shortest."""
        return float(self.ns.min())

    @property
    def mad(self) -> float:
        """The median of the distances from the median."""
        return float(np.median(np.abs(self.ns - np.median(self.ns))))

    @property
    def noise(self) -> float:
        """The spread as a share of the median, by the MAD; 0 for a median of 0."""
        return MAD_TO_SIGMA * self.mad / self.median if self.median else 0.0


def entries_of(kind: str, size: int) -> int | None:
    """How many pieces a buffer of ``size`` has; None where no rule says."""
    if kind == "cma":
        return 1
    if kind != "system":
        return None
    pieces = 0
    for block in SYSTEM_BLOCKS:
        more, size = divmod(size, block)
        pieces += more
    return pieces


def counts_of(kind: str, size: int, line_bytes: int) -> Mapping[str, float]:
    """How often each term of a latency is in one operation on ``size`` bytes."""
    counts: dict[str, float] = {"call": 1, "page": size / PAGE_SIZE}
    if (entries := entries_of(kind, size)) is not None:
        counts["entry"] = entries
    if line_bytes:
        counts["line"] = size / line_bytes
    return counts


def kind_of(name: str) -> str:
    """What kind of place a heap of that name is."""
    if name == "udmabuf":
        return "udmabuf"
    if name == "system":
        return "system"
    # "reserved" is the CMA heap of Linux 6.12 with cma= on the command line.
    if name == "reserved" or "cma" in name:
        return "cma"
    return "heap"
