# SPDX-License-Identifier: MIT
"""The camera-boot drill: one workload under dma-heaps' chains and ION's masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from heapkit import ion, metrics, workloads
from heapkit.board import Board
from heapkit.fallback.counting import PARTS, SUMMED, ample_run, costs
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.trace import Trace
from heapkit.units import format_bytes, format_ns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Side:
    """One way of falling back: a run, and the same with room for everything."""

    name: str
    run: Run
    ample: Run

    @property
    def costs(self) -> pd.DataFrame:
        """:func:`costs` by heap."""
        return costs(self.run, ample=self.ample)

    @property
    def buffers(self) -> pd.DataFrame:
        """:func:`costs` by buffer."""
        return costs(self.run, by="buffer", ample=self.ample)

    def totals(self) -> dict[str, Any]:
        """The drill in numbers: counts, bytes and ns."""
        table = self.costs
        start, _ = metrics.allocation_spans(self.run)
        sums = {name: int(table[name].sum()) for name in ("fallbacks", *SUMMED)}
        latency = metrics.percentiles(self.run["latency_ns"][start])
        return {
            "requests": len(start),
            "failures": int(np.count_nonzero(self.run["status"][start])),
            **sums,
            "total_ns": int(self.run["latency_ns"].sum()),
            "allocate_p50_ns": latency["p50"],
            "allocate_max_ns": latency["max"],
        }


@dataclass(frozen=True)
class Drill:
    """The same requests under dma-heaps' chains and under ION's masks."""

    dma_heaps: Side
    ion: Side

    def to_frame(self) -> pd.DataFrame:
        """A row for each side, the columns of :meth:`Side.totals`."""
        import pandas as pd

        sides = (self.dma_heaps, self.ion)
        rows = [side.totals() for side in sides]
        return pd.DataFrame(rows, index=pd.Index([s.name for s in sides], name="under"))

    def _repr_html_(self) -> str:
        sides = (self.dma_heaps, self.ion)
        columns = [_lines(side.totals()) for side in sides]
        head = "".join(f"<th>{side.name}</th>" for side in sides)
        rows = "".join(
            f"<tr><th style='text-align:left'>{label}</th>"
            + "".join(f"<td>{column[label]}</td>" for column in columns)
            + "</tr>"
            for label in columns[0]
        )
        return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _lines(totals: Mapping[str, Any]) -> dict[str, str]:
    """A drill's numbers for people; in brackets what the first heap would have."""
    parts = {
        f"their {part}": f"{format_ns(totals[f'{part}_ns'])} "
        f"({format_ns(totals[f'{part}_first_ns'])})"
        for part in PARTS
        if totals[f"{part}_ns"]
    }
    return {
        "requests": f"{totals['requests']}, {totals['failures']} failed",
        "fell back": f"{totals['fallbacks']}, {format_bytes(totals['size'])}",
        "their sg entries": f"{totals['entries']} ({totals['entries_first']})",
        **parts,
        "all events together": format_ns(totals["total_ns"]),
    }


def drill(
    board: Board,
    *,
    seed: int = 1,
    launches: int = 20,
    heap: str = "camera|system-pooled",
    ids: Mapping[str, int] | None = None,
) -> Drill:
    """The camera's start (:func:`heapkit.workloads.camera_boot`), both ways.

    dma-heaps leave the fallback to the program: ``heap`` is its chain. ION has
    ``ids`` (default: those that keep the chain's order) and
    :func:`heapkit.ion.board`, the same memory run by ION's rules.
    """
    trace = workloads.camera_boot(seed=seed, heap=heap, launches=launches)
    masked = ion.trace(trace, ion.ids_of(trace) if ids is None else ids)
    return Drill(
        dma_heaps=_side("dma-heaps", trace, board),
        ion=_side("ION", masked, ion.board(board)),
    )


def _side(name: str, trace: Trace, board: Board) -> Side:
    run = replay(trace, board)
    return Side(name, run, ample_run(run))
