# SPDX-License-Identifier: MIT
"""A run in numbers: for JSON, and as lines for people."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heapkit import _ffi, metrics
from heapkit.breakdown import totals
from heapkit.units import format_bytes, format_ns

if TYPE_CHECKING:
    from heapkit.run import Run

MOVE_COLUMNS = _ffi.MOVES.names or ()


def summarise(run: Run) -> dict[str, Any]:
    """The dictionary of :meth:`Run.summary`."""
    is_alloc = run["op"] == _ffi.Op.ALLOC
    status = run["status"][is_alloc]
    ok = status == 0
    codes, counts = np.unique(status[~ok], return_counts=True)
    served = run["heap"][is_alloc][ok]
    entries = run["entries"][is_alloc][ok].sum()
    return {
        "events": len(run),
        "allocations": len(status),
        "failures": int(np.count_nonzero(~ok)),
        "failure_rate": metrics.failure_rate(run),
        "failures_by_errno": {
            errno.errorcode[-int(code)]: int(count)
            for code, count in zip(codes, counts, strict=True)
        },
        "served_by_heap": {
            name: int(np.count_nonzero(served == index))
            for index, name in enumerate(run.heap_names)
        },
        "fallbacks": int(np.count_nonzero(run["tried"][is_alloc][ok] > 1)),
        "pool_hit_rate": (
            float(run["pool_entries"][is_alloc][ok].sum() / entries) if entries else 0.0
        ),
        "peak_used_bytes": {
            name: int(metrics.held_bytes(run, name).max(initial=0))
            for name in run.heap_names
        },
        "allocation_latency_ns": metrics.percentiles(run["latency_ns"][is_alloc][ok]),
        "total_latency_ns": int(run["latency_ns"].sum()),
        **_gauge_extremes(run),
        **_moved(run),
        **_parts(run),
    }


def _parts(run: Run) -> dict[str, Any]:
    counts = run._counts  # noqa: SLF001, the other half of the class
    if counts is None:
        return {}
    return {"latency_by_part": totals(counts, run.board.costs)}


def _moved(run: Run) -> dict[str, Any]:
    return {name: int(run[name].sum()) for name in MOVE_COLUMNS if name in run}


def _gauge_extremes(run: Run) -> dict[str, Any]:
    if "free_bytes" not in run.columns:
        return {}
    of_heap = {name: run["heap"] == index for index, name in enumerate(run.heap_names)}
    seen = {name: rows for name, rows in of_heap.items() if rows.any()}

    def extreme(column: str, pick: Callable[[NDArray[Any]], Any]) -> dict[str, int]:
        return {name: int(pick(run[column][rows])) for name, rows in seen.items()}

    return {
        "min_free_bytes": extreme("free_bytes", np.min),
        "min_largest_free_bytes": extreme("largest_free_bytes", np.min),
        "max_pool_bytes": extreme("pool_bytes", np.max),
        "max_deferred_bytes": extreme("deferred_bytes", np.max),
    }


def part_lines(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parts of all latencies together, largest first: a name and a text each."""
    parts: dict[str, int] = summary.get("latency_by_part", {})
    whole = max(1, sum(parts.values()))
    ordered = sorted(parts.items(), key=lambda part: part[1], reverse=True)
    return [(name, f"{format_ns(ns)} ({ns / whole:.1%})") for name, ns in ordered]


def summary_lines(summary: dict[str, Any]) -> list[tuple[str, str]]:
    """A summary for people: a label and a text each."""
    latency = summary["allocation_latency_ns"]
    shown = [
        f"{name} {format_ns(ns)}" for name, ns in latency.items() if ns is not None
    ]
    failures = f"{summary['failures']} ({summary['failure_rate']:.2%})"
    for name, count in summary["failures_by_errno"].items():
        failures += f", {count} {name}"
    return [
        ("events", str(summary["events"])),
        ("allocations", str(summary["allocations"])),
        ("failed", failures),
        ("served by a later heap", str(summary["fallbacks"])),
        ("modelled latency", ", ".join(shown) or "none"),
        *((f"spent on {part}", text) for part, text in part_lines(summary)),
        *(
            (f"{name}: served, peak", f"{count}, {format_bytes(peak)}")
            for (name, count), peak in zip(
                summary["served_by_heap"].items(),
                summary["peak_used_bytes"].values(),
                strict=True,
            )
        ),
    ]
