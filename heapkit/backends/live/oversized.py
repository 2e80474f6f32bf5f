# SPDX-License-Identifier: MIT
"""Requests that the kernel would answer with the OOM killer.

Linux's system heap (6.12 and 7.3 were tried) takes page after page without comparing
the size with anything; so do its variants: system-uncached of Android's kernel,
system_cc_shared of confidential guests, qcom,system. The other heaps have a region, or
udmabuf's size_limit_mb, that bounds them, and say ENOMEM or EINVAL by themselves.

The limit is what /proc/meminfo has as MemAvailable, without CmaFree: these heaps ask
for unmovable pages, which never come out of a CMA area. See decision 31.
"""

from __future__ import annotations

import errno
import mmap
import os
import re
from pathlib import Path
from typing import Final

from heapkit import arguments
from heapkit.errors import refusal
from heapkit.units import format_bytes

UNBOUNDED: Final = "system"  # in the name of every heap that takes single pages
# Beyond this, rounding up to pages wraps, which is EINVAL.
LARGEST: Final = arguments.U64_MAX + 1 - mmap.PAGESIZE
_FIELD: Final = re.compile(r"^(MemAvailable|CmaFree):\s+(\d+) kB$", re.MULTILINE)
MEMINFO: Final = Path("/proc/meminfo")


def refuse(name: str, size: int) -> None:
    """``OSError(ENOMEM)`` for more bytes than there are, if no bound stops the heap."""
    if UNBOUNDED not in name or size > LARGEST:
        return
    there = limit()
    if size > there:
        raise refusal(
            errno.ENOMEM,
            f"{name}: {size} bytes; {format_bytes(there)} are available "
            "and more would wake the OOM killer (allow_oversized=True asks anyway)",
        )


def limit() -> int:
    """Bytes that a heap of single pages could take without swapping anything out."""
    told = dict(_FIELD.findall(MEMINFO.read_text()))
    if "MemAvailable" not in told:  # before Linux 3.14
        return os.sysconf("SC_PHYS_PAGES") * mmap.PAGESIZE
    return max(int(told["MemAvailable"]) - int(told.get("CmaFree", 0)), 0) * 1024
