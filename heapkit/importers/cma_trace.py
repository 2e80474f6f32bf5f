# SPDX-License-Identifier: MIT
"""A recorded CMA trace: what a real kernel did, operation by operation.

JSON made by driving one CMA heap of ``/dev/dma_heap`` and reading debugfs and
the cma tracepoints after each step. It holds one area and several recordings of
the same operations ("quiet", and with movable pages in the area). The requests
become a :class:`Trace`, the outcomes are columns of a :class:`Recording`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from heapkit.importers.cma_area import MAX_PFN, CmaArea
from heapkit.importers.cma_steps import MAX_OPS, Runs, Step, read_runs, read_steps
from heapkit.importers.json_node import Node, parse_json
from heapkit.importers.text import read_text
from heapkit.snapshot import Snapshot
from heapkit.trace import Op, Trace

name = "cma_trace"
title = "recording of a CMA heap on a real kernel (JSON) -> Trace with outcomes"

# The recording without any other load; the one a simulation is held against.
QUIET = "quiet"

_KEYS = (b'"base_pfn"', b'"order_per_bit"')


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One recording: its requests, and what came of them, a row an operation.

    ``status`` is 0 or a negative errno, ``offset_pages`` counts from the area's
    first page and is -1 where nothing was placed, ``used`` and ``maxchunk`` are
    pages, ``latency_ns`` is as measured in an emulated machine. ``runs`` are the
    taken pages after the operation as (first page, length).
    """

    tag: str
    area: CmaArea
    uname: tuple[str, ...]
    alignment_order: int
    trace: Trace
    status: NDArray[np.int32]
    offset_pages: NDArray[np.int64]
    used: NDArray[np.int64]
    maxchunk: NDArray[np.int64]
    busy_retries: NDArray[np.int64]
    latency_ns: NDArray[np.int64]
    runs: tuple[Runs, ...]

    def __len__(self) -> int:
        return len(self.runs)

    def snapshot(self, index: int) -> Snapshot:
        """The area after operation ``index``; buffers that touch are one region."""
        return self.area.snapshot(self.runs[index], origin=name)


def recognise(head: bytes) -> bool:
    """Whether it is a JSON object that begins to describe a CMA area."""
    return head.lstrip().startswith(b"{") and all(key in head for key in _KEYS)


def read(path: Path, *, tag: str = QUIET) -> Trace:
    """The requests of one recording, by default the quiet one.

    ``trace.meta`` names the area and the kernel; what came of each request is in
    the :class:`Recording` of :func:`read_all`.
    """
    recordings = read_all(path)
    if tag not in recordings:
        known = ", ".join(recordings)
        raise ValueError(f"tag: {tag!r} is not one of the recordings: {known}")
    return recordings[tag].trace


def read_all(path: Path) -> dict[str, Recording]:
    """Every recording of the file, by its tag."""
    return parse(read_text(path), path=path)


def parse(text: str, *, path: object = None) -> dict[str, Recording]:
    """The recordings of a JSON text, each checked against itself.

    Operations must follow from one another: what is placed was free, what is
    freed was held, ``used`` and ``maxchunk`` agree with the bitmap. Anything
    else raises :class:`FormatError`.
    """
    top = parse_json(text, path=path)
    area = _area(top)
    recordings: dict[str, Recording] = {}
    for node in top["traces"]:
        recording = _recording(top, node, area)
        if recording.tag in recordings:
            raise node["tag"].error("a second recording of that name")
        recordings[recording.tag] = recording
    if QUIET not in recordings:
        raise top["traces"].error(f"there is no recording {QUIET!r}")
    return recordings


def _area(top: Node) -> CmaArea:
    heap = top["heap"].text()
    if not heap or set(heap) & set("|/ "):
        raise top["heap"].error("expected the name of one heap")
    area = CmaArea(
        heap=heap,
        base_pfn=top["base_pfn"].integer(0, MAX_PFN),
        count=top["count"].integer(1, MAX_PFN),
        order_per_bit=top["order_per_bit"].integer(0, 0),
    )
    if flaw := area.flaw():
        raise top["count"].error(flaw)
    return area


def _recording(top: Node, node: Node, area: CmaArea) -> Recording:
    tag = node["tag"].text()
    cap = top["cma_alignment_order_cap"].integer(0, 64)
    uname = tuple(word.text() for word in top["uname"])
    initial = read_runs(node["initial"], area)
    steps = read_steps(node["log"], area, initial)
    if "n_ops" in top and top["n_ops"].integer(0, MAX_OPS) != len(steps):
        raise top["n_ops"].error(f"{tag}: {len(steps)} operations are recorded")
    meta = _meta(tag, area, cap, uname)
    return Recording(
        tag=tag,
        area=area,
        uname=uname,
        alignment_order=cap,
        trace=_trace(area, steps, meta),
        status=_column(steps, "status").astype(np.int32),
        offset_pages=_column(steps, "offset_pages"),
        used=_column(steps, "used"),
        maxchunk=_column(steps, "maxchunk"),
        busy_retries=_column(steps, "busy_retries"),
        latency_ns=_column(steps, "latency_ns"),
        runs=tuple(step.runs for step in steps),
    )


def _column(steps: list[Step], key: str) -> NDArray[np.int64]:
    return np.array([getattr(step, key) for step in steps], dtype=np.int64)


def _trace(area: CmaArea, steps: list[Step], meta: dict[str, object]) -> Trace:
    """Each operation begins when the one before it has ended."""
    latency = _column(steps, "latency_ns")
    return Trace.from_columns(
        op=np.array([Op.ALLOC if s.alloc else Op.FREE for s in steps], dtype=np.uint8),
        buffer=_column(steps, "buffer"),
        size=_column(steps, "size"),
        heap=np.zeros(len(steps), dtype=np.uint16),
        heaps=(area.heap,),
        time_ns=np.cumsum(latency) - latency,
        meta=meta,
    )


def _meta(
    tag: str, area: CmaArea, cap: int, uname: tuple[str, ...]
) -> dict[str, object]:
    """What the trace carries along: whose recording, and of which area."""
    return {
        "origin": name,
        "recording": tag,
        "kernel": " ".join(uname),
        "heap": area.heap,
        "base_pfn": area.base_pfn,
        "count": area.count,
        "order_per_bit": area.order_per_bit,
        "alignment_order": cap,
    }
