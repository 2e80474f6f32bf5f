# SPDX-License-Identifier: MIT
"""Whose a region of a CMA area may be: a guess by size, or no answer.

CMA keeps a bitmap and no owners, and buffers that touch are one region of it. A
region gets the name of a buffer only if it is the only one of its size in the area,
the buffer the only one of that size from that area's heap, and no other buffers
together have that size.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from heapkit._ffi import PAGE_SHIFT
from heapkit.introspection.buffers import HeldBuffer
from heapkit.introspection.printable import printable
from heapkit.snapshot import Region, Snapshot, State

# Beyond so many, what others make together is any size.
MOST_BUFFERS = 256
BY_SIZE = "guessed by size: CMA keeps no owners"


def with_owners(area: Snapshot, buffers: Iterable[HeldBuffer]) -> Snapshot:
    """The area with the owners that are told by size; ``attributes`` say so."""
    heap = area.heap.partition("/")[0]
    ours = [buffer for buffer in buffers if buffer.exp_name == heap]
    if len(ours) > MOST_BUFFERS:
        return area
    regions = Counter(r.size for r in area.regions if r.state is State.USED)
    names = {
        b.size: _name(b)
        for b in ours
        if regions[b.size] == 1 and not _others_make(b, ours)
    }
    if not names:
        return area
    owned = tuple(_owned(region, names) for region in area.regions)
    attributes = area.attributes | {"owners": BY_SIZE}
    return replace(area, regions=owned, attributes=attributes)


def _others_make(buffer: HeldBuffer, ours: list[HeldBuffer]) -> bool:
    """Whether one or several other buffers have its size: bit n is a sum of n pages."""
    pages = buffer.size >> PAGE_SHIFT
    sums, most = 1, (2 << pages) - 1
    for other in ours:
        if other is not buffer:
            sums |= (sums << (other.size >> PAGE_SHIFT)) & most
    return bool(sums >> pages & 1)


def _owned(region: Region, names: dict[int, str]) -> Region:
    if region.state is not State.USED or region.size not in names:
        return region
    return replace(region, owner=names[region.size])


def _name(buffer: HeldBuffer) -> str:
    label = printable(buffer.name) or f"inode {buffer.inode}"
    comms = dict.fromkeys(printable(holder.comm) for holder in buffer.holders)
    return f"{label} ({', '.join(comms)})" if comms else label
