# SPDX-License-Identifier: MIT
"""The tracepoints that are recorded, and the fields of their lines.

Fields as ``include/trace/events/{cma,kmem}.h`` print them; ``dma_heap_stat`` as
Android's common kernels do. Older kernels leave out the area's name, the ``0x``
before a page frame number, or the error. ``dma_buf_export`` is of kernels later than
those tried here: its fields are *assumed*.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from heapkit._ffi import PAGE_SIZE
from heapkit.errors import FormatError
from heapkit.recorder.trace_line import TraceLine

# Group/event: those that are switched on where the kernel has them.
CMA = ("cma/cma_alloc_finish", "cma/cma_release", "cma/cma_alloc")
DMA_BUF = ("dma_heap/dma_heap_stat", "dma_buf/dma_buf_export")
# Only on request: they tell of every page of the machine.
PAGES = ("kmem/mm_page_alloc", "kmem/mm_page_free")

MAX_PFN = 1 << 40  # 52 bits of address
MAX_ORDER = 20  # far above any kernel's largest block
_AREA = "cma"  # of a kernel that names no area (before Linux 5.13)

_PFN = r"pfn=(?:0x)?(?P<pfn>[0-9a-f]{1,16})"
_PATTERNS = {
    "cma_alloc_finish": rf"(?:name=(?P<name>.*) )?{_PFN} page=\S+ "
    r"count=(?P<count>\d{1,18})(?: align=\d+)?(?: errorno=(?P<errno>-?\d{1,6}))?",
    "cma_release": rf"(?:name=(?P<name>.*) )?{_PFN} page=\S+ "
    r"count=(?P<count>\d{1,18})",
    "dma_heap_stat": r"inode=(?P<inode>\d{1,18}) len=(?P<len>-?\d{1,18})B\b.*",
    "dma_buf_export": r"exp_name=(?P<name>.*?) (?:name=.* )?"
    r"size=(?P<size>\d{1,18}) ino=(?P<inode>\d{1,18})\b.*",
    "mm_page_alloc": rf"page=\S+ {_PFN} order=(?P<order>\d{{1,2}})\b.*",
    "mm_page_free": rf"page=\S+ {_PFN} order=(?P<order>\d{{1,2}})\b.*",
}
# Until Linux 5.10 the event was called by its class.
_PATTERNS["cma_alloc"] = _PATTERNS["cma_alloc_finish"]
_FIELDS = {event: re.compile(text, re.ASCII) for event, text in _PATTERNS.items()}


@dataclass(frozen=True, slots=True)
class Fields:
    """What an event says. ``size`` is bytes; what it does not say is None or 0.

    ``pfn`` is None, and ``errno`` a positive number, where nothing was allocated.
    ``errno`` is 0 too where the kernel does not say why.
    """

    name: str = ""
    pfn: int | None = None
    inode: int | None = None
    size: int = 0
    errno: int = 0


def fields(line: TraceLine, *, path: object = None) -> Fields | None:
    """The fields of an event that is recorded; None of another event.

    :class:`FormatError` where they are not as the kernel prints them.
    """
    pattern = _FIELDS.get(line.event)
    if pattern is None:
        return None
    match = pattern.fullmatch(line.fields)
    if match is None:
        message = f"expected the fields of {line.event}"
        raise FormatError(message, path=path, line=1, text=line.fields)
    found = match.groupdict()
    size = _size(found)
    if abs(size) >= 1 << 62:
        message = f"a size of {size} bytes"
        raise FormatError(message, path=path, line=1, text=line.fields)
    inode = None if found.get("inode") is None else int(found["inode"])
    return Fields(
        name=found.get("name") or (_AREA if line.event.startswith("cma") else ""),
        pfn=_pfn(found),
        inode=inode,
        size=size,
        errno=abs(int(found.get("errno") or 0)),
    )


def _size(found: dict[str, str]) -> int:
    if "count" in found:
        return int(found["count"]) * PAGE_SIZE
    if "order" in found:
        return PAGE_SIZE << min(int(found["order"]), MAX_ORDER)
    return int(found.get("len") or found.get("size") or 0)


def _pfn(found: dict[str, str]) -> int | None:
    """None for all ones and for 0: those say that there is no page."""
    pfn = int(found.get("pfn") or "0", 16)
    return pfn if 0 < pfn < MAX_PFN else None
