# SPDX-License-Identifier: MIT
"""The operations that are timed, and the terms that each one's latency is made of."""

from __future__ import annotations

from heapkit._ffi import MeasureStep, SourceKind, Work

STEPS = {
    "prepare": MeasureStep.PREPARE,
    "allocate": MeasureStep.ALLOCATE,
    "mmap": MeasureStep.MMAP,
    "first touch": MeasureStep.FIRST_TOUCH,
    "second touch": MeasureStep.SECOND_TOUCH,
    "sync start read": MeasureStep.BEGIN_READ,
    "sync end read": MeasureStep.END_READ,
    "sync start write": MeasureStep.BEGIN_WRITE,
    "sync end write": MeasureStep.END_WRITE,
    "munmap": MeasureStep.MUNMAP,
    "free": MeasureStep.FREE,
}
WORKS = {
    "zero": Work.ZERO,
    "read": Work.READ,
    "write": Work.WRITE,
    "copy": Work.COPY,
    "write back clean lines": Work.CLEAN,
    "write back dirty lines": Work.CLEAN_DIRTY,
    "flush clean lines": Work.FLUSH,
    "flush dirty lines": Work.FLUSH_DIRTY,
}
SOURCES = {
    "system": SourceKind.DMA_HEAP,
    "cma": SourceKind.DMA_HEAP,
    "heap": SourceKind.DMA_HEAP,
    "udmabuf": SourceKind.UDMABUF,
    "memfd": SourceKind.MEMFD,
    "anonymous": SourceKind.ANONYMOUS,
}
# What is fitted besides: the four halves of a synchronisation, as one price.
SYNC = "sync"
# What goes through the entries of a buffer; the rest goes through its pages at most.
_BY_ENTRY = {"allocate", "mmap", "free"}


def terms_of(operation: str, kind: str) -> tuple[str, ...]:
    """The terms of a latency: per call, per page, per entry, or per line."""
    if kind == "area":
        return ("page",) if operation.startswith("zero") else ("call", "line")
    if kind == "system" and operation in _BY_ENTRY:
        return ("call", "page", "entry")
    return ("call", "page")
