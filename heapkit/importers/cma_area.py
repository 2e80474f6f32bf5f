# SPDX-License-Identifier: MIT
"""A CMA area and the bitmap of it: one bit is ``1 << order_per_bit`` pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heapkit._ffi import PAGE_SHIFT
from heapkit.arguments import MAX_ADDRESS
from heapkit.snapshot import Region, Snapshot, State

MAX_PFN = MAX_ADDRESS >> PAGE_SHIFT

# 64 GiB of pages at a bit a page: the largest memory heapkit is made for.
MAX_BITS = 1 << 24

# A bit stands for at most a huge page; the largest of any architecture is 16 GiB.
MAX_ORDER_PER_BIT = 22

# Set bits as (first bit, length), ascending and apart.
Runs = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CmaArea:
    """One area as its debugfs directory describes it. ``count`` is pages."""

    heap: str
    base_pfn: int
    count: int
    order_per_bit: int = 0

    @property
    def base(self) -> int:
        """Address of the first byte."""
        return self.base_pfn << PAGE_SHIFT

    @property
    def size(self) -> int:
        """Bytes."""
        return self.count << PAGE_SHIFT

    @property
    def bits(self) -> int:
        """Bits of the bitmap."""
        return self.count >> self.order_per_bit

    @property
    def granule(self) -> int:
        """Bytes that a bit stands for."""
        return 1 << (PAGE_SHIFT + self.order_per_bit)

    def flaw(self) -> str:
        """What is wrong with the numbers, or an empty string."""
        if not 0 <= self.order_per_bit <= MAX_ORDER_PER_BIT:
            return f"order_per_bit is {self.order_per_bit}, not 0…{MAX_ORDER_PER_BIT}"
        if self.count <= 0 or self.base_pfn < 0 or self.base_pfn + self.count > MAX_PFN:
            return f"no memory has {self.count} pages at page {self.base_pfn}"
        if self.count % (1 << self.order_per_bit):
            return f"{self.count} pages are not whole bits of {self.granule} bytes"
        if self.bits > MAX_BITS:
            return f"a bitmap of {self.bits} bits; {MAX_BITS} is the most that is read"
        return ""

    def snapshot(self, runs: Runs, *, origin: str) -> Snapshot:
        """The area with ``runs`` in use and the rest free."""
        regions: list[Region] = []
        at = 0
        for first, length in runs:
            if first > at:
                regions.append(self._region(at, first - at, State.FREE))
            regions.append(self._region(first, length, State.USED))
            at = first + length
        if at < self.bits:
            regions.append(self._region(at, self.bits - at, State.FREE))
        attributes: dict[str, object] = {
            "base_pfn": self.base_pfn,
            "count": self.count,
            "order_per_bit": self.order_per_bit,
        }
        return Snapshot(
            self.heap, self.base, self.size, tuple(regions), origin, attributes
        )

    def _region(self, first: int, length: int, state: State) -> Region:
        return Region(self.base + first * self.granule, length * self.granule, state)


def used_bits(runs: Runs) -> int:
    """Bits that are set."""
    return sum(length for _, length in runs)


def largest_free_bits(runs: Runs, bits: int) -> int:
    """The longest run of clear bits."""
    edges = [0]
    for first, length in runs:
        edges += [first, first + length]
    edges.append(bits)
    return max(b - a for a, b in zip(edges[::2], edges[1::2], strict=True))
