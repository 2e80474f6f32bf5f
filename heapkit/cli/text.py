# SPDX-License-Identifier: MIT
"""Results as lines of text and as what JSON can hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heapkit.file_run import FileRun
from heapkit.findings import Findings
from heapkit.recommendation import Recommendation, shown
from heapkit.run import Run
from heapkit.run_summary import part_lines
from heapkit.snapshot import Observation, Snapshot, State
from heapkit.trace import Trace
from heapkit.units import format_bytes, format_ns


def facts(pairs: Mapping[str, object]) -> str:
    """One line each: what, and its value."""
    width = max(map(len, pairs))
    return "\n".join(f"{name:{width}}  {text}".rstrip() for name, text in pairs.items())


def columns(rows: Sequence[Sequence[str]]) -> str:
    """The rows under each other; all but the first cell to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)


def run_text(run: Run | FileRun, summary: Mapping[str, Any]) -> str:
    """The summary of a run: facts, then a line for each heap."""
    refused = "".join(f", {n} {c}" for c, n in summary["failures_by_errno"].items())
    latency = ", ".join(
        f"{name} {format_ns(ns)}"
        for name, ns in summary["allocation_latency_ns"].items()
        if ns is not None
    )
    pairs = {
        "board": run.board.name,
        "events": summary["events"],
        "allocations": summary["allocations"],
        "failed": f"{summary['failures']} ({summary['failure_rate']:.2%}){refused}",
        "served by a later heap": summary["fallbacks"],
        "entries from a pool": f"{summary['pool_hit_rate']:.2%}",
        "modelled latency": latency or "none",
        "modelled latency, sum": format_ns(summary["total_latency_ns"]),
    }
    told = f"{facts(pairs)}\n\n{columns(list(_heap_rows(run, summary)))}"
    parts = part_lines(summary)
    if parts:
        told += f"\n\n{columns([('part of the latency', 'sum'), *parts])}"
    return told


def _heap_rows(
    run: Run | FileRun, summary: Mapping[str, Any]
) -> Iterable[tuple[str, ...]]:
    yield ("heap", "served", "most held", "least free", "least longest run")
    for name in run.heap_names:
        free = summary["min_free_bytes"].get(name)
        largest = summary["min_largest_free_bytes"].get(name)
        yield (
            name,
            str(summary["served_by_heap"][name]),
            format_bytes(summary["peak_used_bytes"][name]),
            "-" if free is None else format_bytes(free),
            "-" if largest is None else format_bytes(largest),
        )


def sizing_facts(answer: Recommendation) -> dict[str, Any]:
    """The answer and every trial; sizes in bytes, times in ns."""
    return {
        "heap": answer.heap,
        "target": dataclasses.asdict(answer.target),
        "setting": answer.setting,
        "interval": answer.interval,
        "traces": answer.n_traces,
        "trials": [dataclasses.asdict(trial) for trial in answer.trials],
    }


def findings_facts(findings: Findings) -> dict[str, Any]:
    """Every finding, and how many there are of each kind."""
    return {
        "wrong": findings.wrong,
        "warnings": findings.warnings,
        "follows_data": findings.follows_data,
        "counts": findings.counts(),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }


def sizing_text(answer: Recommendation) -> str:
    """The answer as a sentence, then a line for each setting: its worst trace."""
    rows = [("setting", "requests", "refused", "worst share", "worst modelled p99", "")]
    chosen = answer.setting
    for rank, setting in enumerate(answer.settings):
        first = rank * answer.n_traces
        trials = answer.trials[first : first + answer.n_traces]
        rows.append(
            (
                shown(setting),
                str(sum(t.requests for t in trials)),
                str(sum(t.refused for t in trials)),
                f"{max(t.failure_rate for t in trials):.3%}",
                format_ns(max(t.p99_ns for t in trials)),
                "<" if setting == chosen else "",
            )
        )
    return f"{answer}\n\n{columns(rows)}"


def reading_facts(reading: Trace | Snapshot | Observation) -> dict[str, Any]:
    """What a file turned out to be; sizes in bytes, times in ns."""
    if isinstance(reading, Trace):
        return {
            "is": "Trace",
            "events": len(reading),
            "heaps": list(reading.heaps),
            "devices": list(reading.devices),
            "duration_ns": reading.duration_ns,
            "peak_live_bytes": int(reading.live_bytes().max(initial=0)),
            "meta": reading.meta,
        }
    if isinstance(reading, Observation):
        return {
            "is": "Observation",
            "origin": reading.origin,
            "total_bytes": reading.total_bytes,
            "buffers": [dataclasses.asdict(buffer) for buffer in reading.buffers],
        }
    return {
        "is": "Snapshot",
        "origin": reading.origin,
        "heap": reading.heap,
        "base": reading.base,
        "size": reading.size,
        "used_bytes": reading.used_bytes,
        "free_bytes": reading.free_bytes,
        "largest_free_bytes": reading.largest_free_bytes,
        "regions": [
            dataclasses.asdict(r) | {"state": State(r.state).name}
            for r in reading.regions
        ],
    }


def reading_text(reading: Trace | Snapshot | Observation) -> str:
    """The same facts for people: counts of what is listed, units of what is not."""
    return facts(
        {
            name.removesuffix("_bytes").removesuffix("_ns").replace("_", " "): text
            for name, fact in reading_facts(reading).items()
            if (text := _spelt(name, fact))
        }
    )


def _spelt(name: str, fact: Any) -> str:
    if name.endswith("_ns"):
        return format_ns(fact)
    if name == "size" or name.endswith("_bytes"):
        return format_bytes(fact)
    if name == "base":
        return f"{fact:#x}"
    if name in ("regions", "buffers"):
        return str(len(fact))
    if isinstance(fact, dict):
        return ", ".join(f"{key} {value}" for key, value in fact.items())
    return ", ".join(fact) if isinstance(fact, list) else str(fact)
