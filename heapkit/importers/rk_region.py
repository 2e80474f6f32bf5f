# SPDX-License-Identifier: MIT
"""The line that both files of Rockchip's rk-dma-heap are made of.

``Alloc by (OWNER) [0xFIRST-0xLAST] 0xSIZE (N KiB)``: the last byte is part of
the buffer, and the size is said three times (drivers/dma-buf/rk_heaps of
Rockchip's kernel). White space differs between the driver and printed guides.
"""

from __future__ import annotations

import re

from heapkit._ffi import PAGE_SIZE
from heapkit.arguments import MAX_ADDRESS
from heapkit.importers.text import Lines
from heapkit.snapshot import Region
from heapkit.units import KiB

PREFIX = "Alloc by ("

# The heap's name on every board seen; the map itself does not say it.
HEAP = "rk-dma-heap-cma"

_REGION = re.compile(
    r"\s*Alloc by \((?P<owner>[^)]*)\)\s*"
    r"\[(?P<first>0x[0-9a-f]{1,16})-(?P<last>0x[0-9a-f]{1,16})\]\s+"
    r"(?P<size>0x[0-9a-f]{1,16}) \((?P<kib>\d{1,16}) KiB\)\s*",
    re.ASCII,
)


def take_region(lines: Lines) -> Region:
    """The next line as a region, after checking it against itself."""
    match = lines.expect(_REGION, "'Alloc by (owner) [first-last] size (N KiB)'")
    first, last = int(match["first"], 16), int(match["last"], 16)
    size = last - first + 1
    if size <= 0 or last >= MAX_ADDRESS:
        raise lines.error("addresses that no buffer can have")
    if first % PAGE_SIZE or size % PAGE_SIZE:
        raise lines.error("not whole pages of 4096 bytes")
    if int(match["size"], 16) != size or int(match["kib"]) * KiB != size:
        raise lines.error(f"the addresses span {size:#x} bytes, the line says other")
    return Region(first, size, owner=match["owner"].strip())
