# SPDX-License-Identifier: MIT
"""Which mmap(2) of a buffer works, and what the memory then is."""

from __future__ import annotations

import mmap
import os
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from heapkit.conformance.check import ACCESS_MODES, CPU_ACCESS, Group
from heapkit.conformance.subject import Subject
from heapkit.units import KiB, MiB

_mmap = Group("mmap", source="dma-buf.c, dma_buf_mmap_internal()")
# 124 KiB are several chunks of the system heap: 64 KiB and fifteen of 4 KiB.
_SIZE: Final = 124 * KiB
READ: Final = mmap.PROT_READ
WRITE: Final = mmap.PROT_WRITE
_PROTS: Final = {READ: "r", WRITE: "w", READ | WRITE: "rw"}


def _maps(
    subject: Subject, size: int = _SIZE, asked: Mapping[str, int] | None = None
) -> None:
    view = subject.allocate(size).mmap(**(asked or {}))
    view.release()


def _maps_file(subject: Subject, mode: int, prot: int) -> None:
    view = subject.allocate(fd_flags=mode).mmap(prot=prot)
    view.release()


def _private_is_a_copy(subject: Subject) -> str:
    buffer = subject.allocate()
    private, shared = buffer.mmap(flags=mmap.MAP_PRIVATE), buffer.mmap()
    private[0] = 1
    seen: Any = shared[0]
    return "a copy" if seen == 0 else "written through"


_SPANS: Final[dict[str, tuple[str, dict[str, int], str]]] = {
    "whole": ("all of it", {}, "ok"),
    "length.4095": ("less than a page", {"length": 4095}, "ok"),
    "offset.4096": (
        "all but the first page",
        {"offset": 4096, "length": _SIZE - 4096},
        "ok",
    ),
    "populate": (
        "with MAP_POPULATE",
        {"flags": mmap.MAP_SHARED | mmap.MAP_POPULATE},
        "ok",
    ),
    "length.0": ("no length", {"length": 0}, "EINVAL"),
    "past_the_end": ("a page more than there is", {"length": _SIZE + 4096}, "EINVAL"),
    "offset.size": ("from the end on", {"offset": _SIZE, "length": 4096}, "EINVAL"),
    "offset.unaligned": (
        "from within a page on",
        {"offset": 1, "length": 4096},
        "EINVAL",
    ),
    "offset.far": (
        "from far beyond the end on",
        {"offset": 2**63 - 4096, "length": 4096},
        "EINVAL",
    ),
    "type.none": ("neither shared nor private", {"flags": 0}, "EINVAL"),
    "exec": ("to be executed", {"prot": READ | mmap.PROT_EXEC}, "ok"),
}
_spans = [
    _mmap(
        name,
        f"mapping {what} {'works' if answer == 'ok' else 'is refused'}",
        f"mmap of {_SIZE} bytes with {asked or 'nothing else'}",
        answer,
        partial(_maps, asked=asked),
        source="mm/mmap.c, do_mmap()" if name.startswith("length.0") else "",
    )
    for name, (what, asked, answer) in _SPANS.items()
]
_modes = [
    _mmap(
        f"file_{text}.{_PROTS[prot]}",
        f"a file opened {text} may{'' if answer == 'ok' else ' not'} be mapped "
        f"{_PROTS[prot]}",
        f"ALLOC with {text}, mmap shared with prot {_PROTS[prot]}",
        answer,
        partial(_maps_file, mode=mode, prot=prot),
        source="mm/mmap.c, do_mmap()",
        needs=(ACCESS_MODES,),
    )
    for mode, text, prot, answer in (
        (os.O_RDONLY, "rdonly", READ, "ok"),
        (os.O_RDONLY, "rdonly", WRITE, "EACCES"),
        (os.O_RDONLY, "rdonly", READ | WRITE, "EACCES"),
        (os.O_WRONLY, "wronly", READ, "EACCES"),
        (os.O_WRONLY, "wronly", WRITE, "EACCES"),
        (os.O_WRONLY, "wronly", READ | WRITE, "EACCES"),
        (3, "accmode_3", READ, "EACCES"),
    )
]
_private = [
    _mmap(
        f"private.{name}",
        f"a private mapping of {what} {'works' if answer == 'ok' else 'is refused'}",
        f"mmap of {size} bytes with MAP_PRIVATE, prot {_PROTS[prot]}",
        answer,
        partial(_maps, size=size, asked={"flags": mmap.MAP_PRIVATE, "prot": prot}),
        source="mm/memory.c, remap_pfn_range()",
    )
    for name, what, size, prot, answer in (
        ("page.rw", "one page", 4096, READ | WRITE, "ok"),
        ("page.r", "one page to read", 4096, READ, "ok"),
        ("chunks.rw", "several chunks", _SIZE, READ | WRITE, "EINVAL"),
        ("chunks.r", "several chunks to read", _SIZE, READ, "EINVAL"),
        ("large.rw", "3 MiB", 3 * MiB, READ | WRITE, "EINVAL"),
        ("large.r", "3 MiB to read", 3 * MiB, READ, "EINVAL"),
    )
]

CHECKS: Final = (
    *(*_spans, *_modes, *_private),
    _mmap(
        "private.copy",
        "what is written to a private mapping stays there",
        "map a page private and shared, write the one, read the other",
        "ok a copy",
        _private_is_a_copy,
        source="mm/memory.c, remap_pfn_range()",
        needs=(CPU_ACCESS,),
    ),
)
