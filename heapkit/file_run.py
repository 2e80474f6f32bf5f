# SPDX-License-Identifier: MIT
"""What a replay of a trace file returns: counts, histograms and envelopes."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heapkit import _ffi, histogram
from heapkit._ffi import GAUGE_NAMES, Op
from heapkit.board import Board
from heapkit.run_summary import summary_lines

if TYPE_CHECKING:
    import pandas as pd

# The rows of events that name no heap (PRESSURE): gauges of the whole memory.
MEMORY = "memory"


class FileRun:
    """A whole trace file on ``board``, in memory that does not grow with it.

    :meth:`summary` is that of a :class:`heapkit.Run`, :meth:`to_frame` the lowest,
    mean and highest gauges over the events, :meth:`latency` what ops cost,
    :meth:`refusals` the first events that were refused; ``hk.show(run)`` draws it.
    ``len(run)`` counts events.
    """

    def __init__(
        self,
        path: str,
        board: Board,
        *,
        heaps: tuple[str, ...],
        devices: tuple[str, ...],
        arrays: Mapping[str, NDArray[Any]],
        cma_counters: Mapping[str, _ffi.CmaCounters],
    ) -> None:
        self.path, self.board = path, board
        #: What the trace asks for: heaps and chains, and devices.
        self.heaps, self.devices = heaps, devices
        self._arrays, self._cma_counters = dict(arrays), dict(cma_counters)

    @property
    def heap_names(self) -> tuple[str, ...]:
        """The board's heaps."""
        return self.board.heap_names

    def __len__(self) -> int:
        return int(self._arrays["totals"]["events"][0])

    def equals(self, other: FileRun) -> bool:
        """Whether both counted the same on equal boards, to the last bit."""
        mine, its = self._arrays, other._arrays
        return (
            self.board == other.board
            and self._cma_counters == other._cma_counters
            and all(np.array_equal(mine[name], its[name]) for name in mine)
        )

    # --- Latencies -----------------------------------------------------------

    def latency(self, op: Op = Op.ALLOC, heap: str | None = None) -> dict[str, Any]:
        """Count, p50, p90, p99, max (ns) of ``op`` where it was not refused.

        On ``heap`` ("memory" for PRESSURE), or wherever it was. Percentiles are
        within :data:`heapkit.histogram.MAX_ERROR` (0.4 %) of exact, max is exact;
        all are None where nothing was counted.
        """
        row = slice(None) if heap is None else self._row(heap)
        counts = self._arrays["latency"][row, op].reshape(-1, _ffi.LATENCY_BINS)
        seen = counts.any(axis=1)
        ops = np.atleast_1d(self._arrays["op"][row, op])[seen]
        found = histogram.percentiles(
            counts.sum(axis=0),
            least_ns=int(ops["least_ns"].min(initial=2**64 - 1)),
            most_ns=int(ops["most_ns"].max(initial=0)),
        )
        return {"count": int(counts.sum()), **found}

    def latency_histogram(
        self, op: Op = Op.ALLOC, heap: str | None = None
    ) -> pd.DataFrame:
        """Latencies from ``at_least_ns`` to below the next row's, and their ``count``.

        Of ``op`` where it was not refused; bins are at most 0.8 % wide. The rows begin
        and end with a bin that is not empty.
        """
        import pandas as pd

        row = slice(None) if heap is None else self._row(heap)
        counts = self._arrays["latency"][row, op].reshape(-1, _ffi.LATENCY_BINS).sum(0)
        used = np.flatnonzero(counts)
        bins = np.arange(used[0], used[-1] + 1) if len(used) else used
        return pd.DataFrame(
            {"at_least_ns": histogram.lowest(bins), "count": counts[bins]}
        )

    def _row(self, heap: str) -> int:
        names = (*self.heap_names, MEMORY)
        if heap not in names:
            allowed = ", ".join(names)
            raise ValueError(f"heap: {heap!r} is not on the board; allowed: {allowed}")
        return names.index(heap)

    # --- Gauges over the events ----------------------------------------------

    @property
    def bucket_events(self) -> int:
        """The events in each row of an envelope: a power of two."""
        return int(self._arrays["totals"]["bucket_events"][0])

    def envelope(self, heap: str) -> NDArray[np.void]:
        """One row per :attr:`bucket_events` events: what ``heap`` went through.

        ``events`` whose row names the heap, ``refused`` requests that it did not
        serve, and of each gauge in bytes the ``low``, the ``high`` and the ``sum`` over
        those events, in the order of ``free_bytes``, ``largest_free_bytes``,
        ``pool_bytes``, ``deferred_bytes``; where ``events`` is 0 they mean nothing.
        """
        rows: NDArray[np.void] = self._arrays["bucket"][self._row(heap)]
        return rows[: -(-len(self) // self.bucket_events)]

    def to_frame(self) -> pd.DataFrame:
        """The envelopes of all heaps: a row per heap and span of events.

        ``event`` is the first of the span and ``time_ns`` its time; ``free_bytes_low``,
        ``free_bytes_mean`` (over the events) to ``deferred_bytes_high`` are in
        bytes. Spans in which no event named the heap and none was refused are left
        out.
        """
        import pandas as pd

        frames = [self._frame(name) for name in (*self.heap_names, MEMORY)]
        frame = pd.concat(frames, ignore_index=True)
        names = pd.Index([*self.heap_names, MEMORY])
        frame["heap"] = pd.Categorical(frame["heap"], names)
        return frame

    def _frame(self, heap: str) -> pd.DataFrame:
        import pandas as pd

        envelope = self.envelope(heap)
        used = np.flatnonzero((envelope["events"] > 0) | (envelope["refused"] > 0))
        rows = envelope[used]
        data: dict[str, Any] = {
            "heap": [heap] * len(used),
            "event": used * self.bucket_events,
            "time_ns": self._arrays["bucket_time_ns"][used],
            "events": rows["events"],
            "refused": rows["refused"],
        }
        for index, name in enumerate(GAUGE_NAMES):
            data[f"{name}_low"] = rows["low"][:, index]
            data[f"{name}_mean"] = rows["sum"][:, index] / np.maximum(rows["events"], 1)
            data[f"{name}_high"] = rows["high"][:, index]
        return pd.DataFrame(data)

    # --- Refusals ------------------------------------------------------------

    def refusals(self) -> pd.DataFrame:
        """The first events with a status that is not 0, whole: a row each."""
        import pandas as pd

        count = int(self._arrays["totals"]["refusals"][0])
        kept = self._arrays["kept"][:count]
        frame = pd.DataFrame({name: kept[name] for name in kept.dtype.names or ()})
        frame["op"] = [Op(op).name for op in kept["op"]]
        frame["error"] = [_spelt(int(status)) for status in kept["status"]]
        frame["heap"] = [
            self.heap_names[heap] if heap >= 0 else "" for heap in kept["heap"]
        ]
        asked = kept["op"] == Op.ALLOC
        frame["chain"] = [
            self.heaps[code] if alloc else ""
            for code, alloc in zip(kept["chain"], asked, strict=True)
        ]
        return frame

    def cma_counters(self, heap: str) -> _ffi.CmaCounters:
        """As :meth:`heapkit.Run.cma_counters`: at the end of the run."""
        if heap not in self._cma_counters:
            allowed = ", ".join(self._cma_counters) or "no heap of this board"
            raise ValueError(f"heap: {heap!r} is no CMA heap; allowed: {allowed}")
        return self._cma_counters[heap]

    # --- All in all ----------------------------------------------------------

    def summary(self) -> dict[str, Any]:
        """All of :meth:`heapkit.Run.summary`, and more; sizes in bytes, times in ns.

        The percentiles under "allocation_latency_ns" and "latency_ns" are within 0.4 %
        of exact, as :meth:`latency` has it; all other numbers are exact.
        """
        return summarise(self)

    def __repr__(self) -> str:
        summary = self.summary()
        return (
            f"<FileRun of {len(self)} events of {self.path!r} on "
            f"{self.board.name!r}: {summary['allocations']} allocations, "
            f"{summary['failures']} failed>"
        )

    def _repr_html_(self) -> str:
        from html import escape

        lines = "".join(
            f"<tr><th style='text-align:left'>{escape(label)}</th>"
            f"<td style='text-align:left'>{escape(text)}</td></tr>"
            for label, text in summary_lines(self.summary())
        )
        caption = f"{escape(self.path)} on board {escape(repr(self.board.name))}"
        return f"<table><caption>{caption}</caption>{lines}</table>"


def _spelt(status: int) -> str:
    return errno.errorcode.get(-status, str(status))


def summarise(run: FileRun) -> dict[str, Any]:
    """The dictionary of :meth:`FileRun.summary`."""
    arrays = run._arrays  # noqa: SLF001, the other half of the class
    heaps, totals = arrays["heap"][:-1], arrays["totals"][0]
    statuses = arrays["status"][:, Op.ALLOC]
    allocations, failures = int(statuses.sum()), int(statuses[:, 1:].sum())
    entries = int(heaps["entries"].sum())
    latency = run.latency()
    latency.pop("count")
    return {
        "events": len(run),
        "allocations": allocations,
        "failures": failures,
        "failure_rate": failures / allocations if allocations else 0.0,
        "failures_by_errno": _by_errno(statuses.sum(axis=0)),
        "served_by_heap": _by_heap(run, heaps["served"]),
        "fallbacks": int(totals["fallbacks"]),
        "pool_hit_rate": int(heaps["pool_entries"].sum()) / entries if entries else 0.0,
        "peak_used_bytes": _by_heap(run, heaps["peak_bytes"]),
        "allocation_latency_ns": latency,
        "total_latency_ns": int(arrays["op"]["latency_ns"].sum()),
        **_gauge_extremes(run),
        **_moved(run, totals),
        "asked_by_heap": _by_heap(run, heaps["asked"]),
        "refused_by_heap": _by_heap(run, heaps["refused"]),
        "failures_by_heap": {
            name: counts
            for name, row in zip(run.heap_names, statuses, strict=False)
            if (counts := _by_errno(row))
        },
        "latency_ns": dict(_latencies(run)),
    }


def _moved(run: FileRun, totals: Any) -> dict[str, int]:
    names = _ffi.MOVES.names if run.board.lends else ()
    return {name: int(totals[name]) for name in names or ()}


def _by_heap(run: FileRun, values: NDArray[Any]) -> dict[str, int]:
    return dict(zip(run.heap_names, values.tolist(), strict=True))


def _by_errno(counts: NDArray[np.uint64]) -> dict[str, int]:
    # The most negative status first, as in the summary of a Run.
    codes = np.flatnonzero(counts[1:])[::-1] + 1
    return {_spelt(-code): int(counts[code]) for code in codes.tolist()}


def _gauge_extremes(run: FileRun) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {
        "min_free_bytes": {},
        "min_largest_free_bytes": {},
        "max_pool_bytes": {},
        "max_deferred_bytes": {},
    }
    for name in run.heap_names:
        rows = run.envelope(name)
        rows = rows[rows["events"] > 0]
        if len(rows):
            low, high = rows["low"].min(axis=0), rows["high"].max(axis=0)
            for key, value in zip(found, (*low[:2], *high[2:]), strict=True):
                found[key][name] = int(value)
    return found


def _latencies(run: FileRun) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in (*run.heap_names, MEMORY):
        by_op = {op.name: run.latency(op, name) for op in Op}
        if seen := {op: found for op, found in by_op.items() if found["count"]}:
            yield name, seen
