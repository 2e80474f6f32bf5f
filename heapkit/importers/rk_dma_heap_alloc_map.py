# SPDX-License-Identifier: MIT
"""Rockchip's allocation map: owner and address of everything in a CMA heap.

The only public tool output with both, so it becomes a :class:`Snapshot`.
"""

from __future__ import annotations

from pathlib import Path

from heapkit.importers.rk_region import HEAP, PREFIX, take_region
from heapkit.importers.text import Lines, read_text
from heapkit.snapshot import Region, Snapshot, State

name = "rk_dma_heap_alloc_map"
title = "Rockchip rk-dma-heap allocation map -> Snapshot with owners"


def recognise(head: bytes) -> bool:
    """Whether the text begins with an allocation, without a buffer's head."""
    return head.lstrip().startswith(PREFIX.encode())


def read(path: Path, *, heap: str = HEAP) -> Snapshot:
    """The map in the file at ``path``; ``heap`` is its name, which it omits."""
    return parse(read_text(path), path=path, heap=heap)


def parse(text: str, *, path: object = None, heap: str = HEAP) -> Snapshot:
    """The regions of an allocation map, ascending; gaps are FREE regions.

    The file does not say where the area begins and ends: the snapshot spans from
    the first allocation to the last. Overlapping lines raise
    :class:`FormatError`.
    """
    lines = Lines(text, path=path)
    found: list[tuple[Region, int]] = []
    while lines.skip_blank() is not None:
        found.append((take_region(lines), lines.number))
    if not found:
        raise lines.error("no allocation in it")
    found.sort(key=lambda item: item[0].address)
    regions = _with_gaps(found, lines)
    base, end = regions[0].address, regions[-1].end
    bounds = "first to last allocation"
    return Snapshot(heap, base, end - base, regions, name, {"bounds": bounds})


def _with_gaps(found: list[tuple[Region, int]], lines: Lines) -> tuple[Region, ...]:
    regions: list[Region] = []
    end = found[0][0].address
    for region, number in found:
        if region.address < end:
            raise lines.error("overlaps another allocation", line=number)
        if region.address > end:
            regions.append(Region(end, region.address - end, State.FREE))
        regions.append(region)
        end = region.end
    return tuple(regions)
