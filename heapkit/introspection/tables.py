# SPDX-License-Identifier: MIT
"""An introspection as a data frame, as HTML and as what JSON can hold."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from heapkit.introspection.buffers import FIELDS, HeldBuffer
from heapkit.introspection.printable import printable
from heapkit.snapshot import Snapshot
from heapkit.units import format_bytes

if TYPE_CHECKING:
    import pandas as pd

    from heapkit.introspection.look import Introspection

# Rows of a table in a notebook; to_frame() has all.
MOST_ROWS = 100


def frame(buffers: Iterable[HeldBuffer]) -> pd.DataFrame:
    """One row per buffer, what each number is from beside it."""
    import pandas as pd

    rows = [_row(buffer) for buffer in buffers]
    named = [f"{name}_source" for name in FIELDS]
    heads = ["inode", *FIELDS, *named, "pids", "comms", "fds", "maps"]
    heads += ["rss", "pss", "attached", "sources", "disagreements"]
    return pd.DataFrame(rows, columns=heads)


def _row(buffer: HeldBuffer) -> dict[str, Any]:
    row: dict[str, Any] = {"inode": buffer.inode}
    for name in FIELDS:
        row[name] = getattr(buffer, name)
        row[f"{name}_source"] = buffer.source_of(name)
    return row | {
        "pids": list(buffer.pids),
        "comms": [holder.comm for holder in buffer.holders],
        "fds": sum(len(holder.fds) for holder in buffer.holders),
        "maps": sum(len(holder.maps) for holder in buffer.holders),
        "rss": buffer.rss,
        "pss": buffer.pss,
        "attached": list(buffer.attached),
        "sources": list(buffer.sources),
        "disagreements": list(buffer.disagreements),
    }


def facts(look: Introspection) -> dict[str, Any]:
    """Everything, for JSON; sizes in bytes, CMA's counters in pages."""
    return {
        "kernel": look.kernel,
        "sources": [dataclasses.asdict(source) for source in look.sources],
        "buffers": [
            _row(buffer) | {"holders": [dataclasses.asdict(h) for h in buffer.holders]}
            for buffer in look.buffers
        ],
        "processes": [dataclasses.asdict(process) for process in look.processes],
        "total_bytes": look.total_bytes,
        "cma": {name: _area_facts(area) for name, area in look.cma.items()},
        "cma_counters": look.cma_counters,
        "buddy": [dataclasses.asdict(zone) for zone in look.buddy],
        "pagetypes": look.pagetypes and dataclasses.asdict(look.pagetypes),
        "extfrag": look.extfrag and dataclasses.asdict(look.extfrag),
        "meminfo": look.meminfo,
        "pools_bytes": look.pools,
    }


def _area_facts(area: Snapshot) -> dict[str, Any]:
    return {
        "base": area.base,
        "size": area.size,
        "used_bytes": area.used_bytes,
        "free_bytes": area.free_bytes,
        "largest_free_bytes": area.largest_free_bytes,
        "holes": len(area.holes),
        **area.attributes,
    }


# --- HTML ---------------------------------------------------------------------


def html(look: Introspection) -> str:
    """The sources, the buffers and the CMA areas, a table each."""
    parts = [f"<p>{escape(repr(look))}</p>", _sources(look), _buffers(look)]
    if look.cma:
        parts.append(_areas(look))
    return "".join(parts)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """An HTML table; every cell is text, and escaped here."""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(printable(text))}</td>" for text in row)
        + "</tr>"
        for row in rows
    )
    return (
        '<table style="text-align:left">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _sources(look: Introspection) -> str:
    rows = [(s.name, s.status, s.gives, s.why, s.remedy) for s in look.sources]
    return table(("source", "status", "what it gives", "why", "what gives it"), rows)


def buffer_rows(look: Introspection) -> list[tuple[str, ...]]:
    """A line per buffer, the source of each number behind it."""
    return [
        (
            "" if b.inode is None else str(b.inode),
            _said(b, "size", format_bytes(b.size)),
            _said(b, "exp_name", b.exp_name),
            _said(b, "name", b.name),
            _said(b, "count", "" if b.count is None else str(b.count)),
            ", ".join(f"{h.comm} ({h.pid})" for h in b.holders),
            format_bytes(b.pss),
            "; ".join(b.disagreements),
        )
        for b in look.buffers
    ]


BUFFER_HEADS = (
    "inode",
    "size",
    "exporter",
    "name",
    "references",
    "held by [fdinfo, maps]",
    "PSS each",
    "disagreements",
)


def _said(buffer: HeldBuffer, name: str, text: str) -> str:
    source = buffer.source_of(name)
    return f"{text} [{source}]" if source and text else text


def _buffers(look: Introspection) -> str:
    rows = buffer_rows(look)
    more = len(rows) - MOST_ROWS
    rest = f"<p>{more} more: to_frame() has all of them</p>" if more > 0 else ""
    return table(BUFFER_HEADS, rows[:MOST_ROWS]) + rest


def area_rows(look: Introspection) -> list[tuple[str, ...]]:
    """A line per CMA area."""
    return [
        (
            name,
            format_bytes(area.size),
            format_bytes(area.used_bytes),
            format_bytes(area.largest_free_bytes),
            str(len(area.holes)),
            str(area.attributes.get("differs", "")),
        )
        for name, area in look.cma.items()
    ]


AREA_HEADS = ("CMA area [cma]", "size", "in use", "largest free", "holes", "differs")


def _areas(look: Introspection) -> str:
    return table(AREA_HEADS, area_rows(look))
