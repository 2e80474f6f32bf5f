# SPDX-License-Identifier: MIT
"""``/proc/rk_dma_heap/dma_heap_info``: buffers of Rockchip's dma-heaps.

One block per buffer: heap and inode, owner and address, attached devices.
Contiguous memory taken inside the kernel is a block ``-non dmabuf`` without
inode and devices. The driver ends with ``Total : 0xBYTES (N KiB)``; printed
excerpts leave it out (rk_dma_heap_proc_show() of Rockchip's rk-dma-heap.c).
"""

from __future__ import annotations

import re
from pathlib import Path

from heapkit.importers.bufinfo import attached_devices
from heapkit.importers.rk_region import take_region
from heapkit.importers.text import Lines, read_text
from heapkit.snapshot import BufferInfo, Observation
from heapkit.units import KiB

name = "rk_dma_heap_info"
title = "Rockchip /proc/rk_dma_heap/dma_heap_info -> Observation with addresses"

_HEAD = re.compile(
    r"dma-heap:<(?P<heap>[^>]+)> "
    r"-(?:dmabuf\s+i_ino = (?P<inode>\d{1,20})|non dmabuf)\s*",
    re.ASCII,
)
_DEVICES = re.compile(r"\s+Attached Devices:\s*")
_TOTAL = re.compile(
    r"Total : 0x(?P<bytes>[0-9a-f]{1,16}) \((?P<kib>\d{1,16}) KiB\)\s*", re.ASCII
)


def recognise(head: bytes) -> bool:
    """Whether the text begins with a buffer of a named heap."""
    return head.lstrip().startswith(b"dma-heap:<")


def read(path: Path) -> Observation:
    """The buffers that the file at ``path`` lists."""
    return parse(read_text(path), path=path)


def parse(text: str, *, path: object = None) -> Observation:
    """The buffers with inode, owner, address and attached devices.

    ``attributes["total_bytes"]`` is the driver's own total, or None where the
    text has none; it counts what other heaps hold too, so it is kept, not
    compared.
    """
    lines = Lines(text, path=path)
    buffers: list[BufferInfo] = []
    seen: set[str] = set()
    total: int | None = None
    while (line := lines.skip_blank()) is not None:
        if line.startswith("Total :"):
            total = _total(lines)
            break
        buffers.append(_buffer(lines, seen))
    if lines.skip_blank() is not None:
        lines.take()
        raise lines.error("text after the total")
    return Observation(tuple(buffers), name, {"total_bytes": total})


def _buffer(lines: Lines, seen: set[str]) -> BufferInfo:
    head = lines.expect(_HEAD, "'dma-heap:<name> -dmabuf i_ino = N'")
    if head["inode"] in seen:
        raise lines.error(f"inode {head['inode']} is listed twice")
    if head["inode"] is not None:
        seen.add(head["inode"])
    region = take_region(lines)
    attached: tuple[str, ...] = ()
    if head["inode"] is not None:
        lines.expect(_DEVICES, "'Attached Devices:'")
        attached = attached_devices(lines)
    return BufferInfo(
        size=region.size,
        exp_name=head["heap"],
        inode=None if head["inode"] is None else int(head["inode"]),
        attached=attached,
        owner=region.owner,
        address=region.address,
    )


def _total(lines: Lines) -> int:
    match = lines.expect(_TOTAL, "'Total : 0xBYTES (N KiB)'")
    total = int(match["bytes"], 16)
    if total // KiB != int(match["kib"]):
        raise lines.error(f"{total:#x} bytes are {total // KiB} KiB")
    return total
