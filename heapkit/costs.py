# SPDX-License-Identifier: MIT
"""What the modelled steps cost: every constant with unit, value, source, status.

The names are the fields of ``struct hk_costs``. Public measurements are few, so
most values are *assumed*: they set a scale, and a machine's own replace them.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from heapkit.arguments import choice, wrong
from heapkit.errors import UnknownName

STATUSES = ("published", "fitted", "measured here", "assumed")

_SURYAWANSHI = (
    "P. Suryawanshi, linux-mm 2019-03, 'mm/cma.c: High latency for cma allocation': "
    "4 KiB in 311 µs, ARM32 4.14"
)
_GCMA = (
    "S. Park, LKML 2015-02, GCMA RFC v2, CuBox i4 Pro, best of 32: 32000 pages in "
    "8612 µs, 1 page in 381 µs, so (8612 - 381) / 31999"
)
_FACE_UNLOCK = (
    "one Android 5.10 trace kept in google/perfetto's tests (cma_alloc of 6592 pages, "
    "6365 migrated, 110.15 ms), less cma_call and 6592 cma_page; "
    "131 mappings a page, so a lightly shared page is cheaper"
)
_RETRY = "another alloc_contig_range(), taken to cost what cma_call does: assumed"
_DSB = (
    "scale assumed; ratio from 'dma-mapping: batched DSB' (linux-arm-kernel 2025-10): "
    "without the barrier dma_map_sg of 10 MB in 4 KiB entries takes 65 % less"
)
_LINE = "order of magnitude of DC CVAC/CIVAC; no public number found"


@dataclass(frozen=True, slots=True)
class Cost:
    """One constant. ``status`` is one of :data:`STATUSES`."""

    name: str
    value: float
    unit: str
    source: str
    status: str = "assumed"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _number(self.name, self.value))
        choice(f"Cost {self.name!r}", "status", self.status, STATUSES)


def _number(name: str, value: object) -> float:
    allowed = "a finite number, 0 or more"
    if name == "line_bytes":
        allowed = "a power of two from 1 to 4096"
    if isinstance(value, bool):
        raise wrong("Costs", name, value, allowed)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise wrong("Costs", name, value, allowed) from None
    if not math.isfinite(number) or number < 0:
        raise wrong("Costs", name, value, allowed)
    if name == "line_bytes" and number not in {2.0**n for n in range(13)}:
        raise wrong("Costs", name, value, allowed)
    return number


# (name, value, unit, source, status), in the order of struct hk_costs.
_DEFAULTS = (
    ("allocate_call", 5000, "ns/call", "ioctl, dma-buf and file: assumed", "assumed"),
    ("free_call", 3000, "ns/call", "last fput: assumed", "assumed"),
    ("buddy_block", 300, "ns/block", "one zone-locked block: assumed", "assumed"),
    ("buddy_split", 10, "ns/step", "a block halved once: assumed", "assumed"),
    ("buddy_page", 2, "ns/page", "setting up a struct page: assumed", "assumed"),
    ("pool_block", 80, "ns/block", "list operation under a lock: assumed", "assumed"),
    ("zero_page", 500, "ns/page", "4 KiB at about 8 GB/s: assumed", "assumed"),
    ("zero_page_64k", 500, "ns/page", "as zero_page: assumed", "assumed"),
    ("zero_page_1m", 500, "ns/page", "as zero_page: assumed", "assumed"),
    ("reclaim_page", 1000, "ns/page", "a shrinker's page back: assumed", "assumed"),
    ("gen_pool_call", 500, "ns/call", "one bitmap search: assumed", "assumed"),
    ("cma_call", 311_000, "ns/call", _SURYAWANSHI, "published"),
    ("cma_page", 257, "ns/page", _GCMA, "fitted"),
    ("cma_retry", 311_000, "ns/retry", _RETRY, "assumed"),
    ("migrate_page", 16_990, "ns/page", _FACE_UNLOCK, "fitted"),
    ("unmap_mapping", 100, "ns/mapping", "one memory access: assumed", "assumed"),
    ("discard_page", 1000, "ns/page", "assumed", "assumed"),
    ("protect_page", 1000, "ns/page", "assumed", "assumed"),
    ("memfd_page", 500, "ns/page", "a page cache lookup and a pin: assumed", "assumed"),
    ("attach_call", 1000, "ns/call", "two kzallocs: assumed", "assumed"),
    ("attach_entry", 10, "ns/entry", "copying a scatterlist: assumed", "assumed"),
    ("map_entry", 20, "ns/entry", "dma-direct, no IOMMU: assumed", "assumed"),
    ("unmap_entry", 20, "ns/entry", "dma-direct, no IOMMU: assumed", "assumed"),
    (
        "iommu_map_entry",
        200,
        "ns/entry",
        "one range in a page table: assumed",
        "assumed",
    ),
    ("iommu_unmap_entry", 200, "ns/entry", "one range and its TLB: assumed", "assumed"),
    ("sync_call", 500, "ns/call", "ioctl and the buffer's lock: assumed", "assumed"),
    ("sync_entry", 500, "ns/entry", _DSB, "assumed"),
    ("clean_line", 4, "ns/line", _LINE, "assumed"),
    ("invalidate_line", 4, "ns/line", _LINE, "assumed"),
    ("dirty_line", 4, "ns/line", "64 bytes at 16 GB/s: assumed", "assumed"),
    ("mmap_call", 2000, "ns/call", "assumed", "assumed"),
    ("mmap_page", 20, "ns/page", "assumed", "assumed"),
    ("mmap_entry", 100, "ns/entry", "assumed", "assumed"),
    ("vmap_call", 2000, "ns/call", "assumed", "assumed"),
    ("vmap_page", 20, "ns/page", "assumed", "assumed"),
    ("cpu_read_line", 5, "ns/line", "assumed", "assumed"),
    ("cpu_write_line", 5, "ns/line", "assumed", "assumed"),
    ("uncached_read_line", 25, "ns/line", "assumed", "assumed"),
    ("line_bytes", 64, "bytes", "D-cache line of most arm64 cores", "assumed"),
    (
        "cache_bytes",
        2 * 2**20,
        "bytes",
        "a phone's last-level cache: assumed",
        "assumed",
    ),
)
NAMES = tuple(row[0] for row in _DEFAULTS)


@dataclass(frozen=True)
class Costs(Mapping[str, Cost]):
    """All constants by name, immutable: ``board.costs["clean_line"].value``."""

    items_in_order: tuple[Cost, ...]

    def __post_init__(self) -> None:
        names = tuple(cost.name for cost in self.items_in_order)
        if names != NAMES:
            raise wrong("Costs", "names", names, f"exactly {NAMES}")

    @classmethod
    def default(cls) -> Costs:
        """Published numbers where there are any, assumed ones elsewhere."""
        return _default()

    def replace(
        self,
        *,
        status: str = "assumed",
        source: str = "given by the user",
        **values: float,
    ) -> Costs:
        """A copy with other ``values``, which get this ``status`` and ``source``.

        ``ValueError``: an unknown name, a negative or non-finite value.
        """
        for name, value in values.items():
            if name not in NAMES:
                raise wrong("Costs", name, value, f"the names {NAMES}")
        return Costs(
            tuple(
                replace(cost, value=values[cost.name], status=status, source=source)
                if cost.name in values
                else cost
                for cost in self.items_in_order
            )
        )

    def __getitem__(self, name: str) -> Cost:
        for cost in self.items_in_order:
            if cost.name == name:
                return cost
        raise UnknownName(f"Costs: {name!r}; allowed: {', '.join(NAMES)}")

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def __repr__(self) -> str:
        values = ", ".join(f"{c.name}={c.value:g}" for c in self.items_in_order)
        return f"Costs({values})"

    def _repr_html_(self) -> str:
        head = _html_cells("th", ("name", "value", "unit", "status", "source"))
        rows = "".join(_html_row(cost) for cost in self.items_in_order)
        return f"<table>{head}{rows}</table>"


def _html_row(cost: Cost) -> str:
    status = f"<em>{cost.status}</em>" if cost.status == "assumed" else cost.status
    cells = (cost.name, f"{cost.value:g}", cost.unit, status, html.escape(cost.source))
    return _html_cells("td", cells)


def _html_cells(tag: str, cells: tuple[str, ...]) -> str:
    # Jupyter aligns every cell to the right, which is for numbers.
    sides = ("left", "right", "left", "left", "left")
    row = "".join(
        f"<{tag} style='text-align:{side}'>{cell}</{tag}>"
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{row}</tr>"


@cache
def _default() -> Costs:
    return Costs(tuple(Cost(*row) for row in _DEFAULTS))
