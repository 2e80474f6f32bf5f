# SPDX-License-Identifier: MIT
"""A trace: which buffers were asked for, when. A table of requests, immutable."""

from __future__ import annotations

import dataclasses
import html
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit import _ffi, trace_ops
from heapkit import trace_columns as columns
from heapkit._ffi import Op
from heapkit.arguments import wrong
from heapkit.units import format_bytes, format_ns

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Op", "Trace"]

# What hk_trace_check() refuses: the column to show, and what is allowed there.
_RULES = {
    "UNKNOWN_OP": ("op", trace_ops.ALLOWED_OPS),
    "TIME_BACKWARDS": ("time_ns", "no less than before"),
    "SIZE_ZERO": ("size", "more than 0 bytes for an ALLOC"),
    "SIZE_HUGE": ("size", "what survives rounding up to a page"),
    "BUFFER_RANGE": ("buffer", "a dense id"),
    "BUFFER_LIVE": ("buffer", "an id that is not in use"),
    "BUFFER_UNKNOWN": ("buffer", "an id that was allocated and not yet freed"),
    "CHAIN_RANGE": ("chain", "a code of heaps"),
    "DEVICE_RANGE": ("device", "a code of devices"),
    "ACCESS": ("access", "1 (read), 2 (write) or 3 (both) for CPU access"),
}


class _Memory:
    """What a trace has worked out about itself: no field, so never pickled."""

    __slots__ = ("_spans",)
    _spans: tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True, slots=True)
class Trace(_Memory):
    """Columns of equal length, one row per event; make one with :meth:`from_columns`.

    ``op`` (:class:`Op`), ``buffer`` (any ids; one may be used again after its
    last FREE), ``size`` (bytes; of an access the length, 0 for all), ``chain``
    (codes into ``heaps``: the heaps an ALLOC tries, "camera|system"), ``time_ns``,
    and where given ``device`` (codes into ``devices``), ``access`` (of CPU access 1
    read, 2 write, 3 both, and 4 on a MAP for DMA_ATTR_SKIP_CPU_SYNC; absent: 3),
    ``offset`` (bytes; absent: 0) and ``process`` (codes into ``processes``: who does
    it; of an ALLOC or a SHARE, who gets the reference). What an op does not use is
    ignored. ``dense_buffer`` numbers the buffers below ``n_buffers``.
    """

    op: NDArray[np.uint8]
    buffer: NDArray[Any]
    size: NDArray[np.uint64]
    chain: NDArray[np.uint16]
    time_ns: NDArray[np.int64]
    heaps: tuple[str, ...]
    dense_buffer: NDArray[np.uint32]
    n_buffers: int
    device: NDArray[np.uint16] | None = None
    devices: tuple[str, ...] = ()
    access: NDArray[np.uint8] | None = None
    offset: NDArray[np.uint64] | None = None
    process: NDArray[np.uint16] | None = None
    processes: tuple[str, ...] = ()
    _meta: str = "{}"

    def __post_init__(self) -> None:
        for name in ("op", "buffer", "size", "chain", "time_ns", "dense_buffer"):
            object.__setattr__(self, name, _read_only(getattr(self, name)))
        for name in ("device", "access", "offset", "process"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _read_only(getattr(self, name)))
        _check(self)

    @classmethod
    def from_columns(
        cls,
        *,
        op: ArrayLike,
        buffer: ArrayLike,
        size: ArrayLike,
        heap: object,
        time_ns: ArrayLike,
        heaps: Sequence[str] | None = None,
        device: object | None = None,
        devices: Sequence[str] | None = None,
        access: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        process: object | None = None,
        processes: Sequence[str] | None = None,
        meta: Mapping[str, object] | None = None,
    ) -> Trace:
        """A checked trace, without copying columns whose types fit.

        What is not copied must not be written to any more.
        ``heap`` is one name or chain for all, a name or chain per row, or integer
        codes with ``heaps``; ``device`` and ``process`` likewise. ``meta`` is
        what JSON can hold.
        ``ValueError`` names column, index and value: unequal lengths, NaN and
        other non-integers, negative values, time going back, an ALLOC of no
        bytes or of a buffer in use, any other op on a buffer that is not.
        """
        ops = trace_ops.codes(op)
        given = columns.numbers(len(ops), buffer, size, time_ns, offset)
        dense, n_buffers = columns.dense(given["buffer"])
        given |= {"dense_buffer": dense, "n_buffers": n_buffers}
        chain, names = columns.coded("heap", heap, heaps, ops == Op.ALLOC)
        columns.chains(names)
        given |= trace_ops.who(ops, (device, devices), (process, processes))
        if access is not None:
            given["access"] = trace_ops.accesses(ops, access)
        return cls(op=ops, chain=chain, heaps=names, _meta=json_text(meta), **given)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Trace:
        """From a Parquet file; :class:`heapkit.FormatError` if it is no trace."""
        from heapkit.trace_file import read

        return read(path)

    def write(self, path: str | os.PathLike[str]) -> None:
        """As a Parquet file, whole or not at all; same trace, same bytes."""
        from heapkit.trace_file import write

        write(self, path)

    @property
    def meta(self) -> dict[str, Any]:
        """A copy of what was given as ``meta``."""
        loaded: dict[str, Any] = json.loads(self._meta)
        return loaded

    @property
    def duration_ns(self) -> int:
        """From the first event to the last."""
        return int(self.time_ns[-1] - self.time_ns[0]) if len(self) else 0

    def live_bytes(self) -> NDArray[np.int64]:
        """Bytes asked for and not yet freed, after each event, before rounding.

        What the heaps would hold together if no request failed.
        """
        start, end = self.spans()
        change = np.zeros(len(self) + 1, np.int64)
        change[start] = self.size[start]
        # The last element stands for buffers that are never freed.
        change[end] = -change[start]
        return np.cumsum(change[:-1])

    def spans(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The event of each ALLOC, ascending, and of its FREE (``len(self)`` if none).

        Of a buffer that was shared, of the FREE of its last reference. Worked out once:
        an explorer asks for every replay of a trace.
        """
        try:
            return self._spans
        except AttributeError:
            # Two threads may both come here, with the same answer.
            start, end = trace_ops.spans(self)
            spans = _read_only(start), _read_only(end)
            object.__setattr__(self, "_spans", spans)
            return spans

    def to_frame(self) -> pd.DataFrame:
        """One row per event; ops, chains, devices and processes are categories."""
        import pandas as pd

        frame = {
            "time_ns": self.time_ns,
            "op": trace_ops.op_categories(self.op),
            "buffer": self.buffer,
            "size": self.size,
            "heap": trace_ops.categories(self.chain, self.heaps),
        }
        if self.device is not None:
            frame["device"] = trace_ops.categories(self.device, self.devices)
        for name in ("access", "offset"):
            if (column := getattr(self, name)) is not None:
                frame[name] = column
        if self.process is not None:
            frame["process"] = trace_ops.categories(self.process, self.processes)
        return pd.DataFrame(frame)

    def __eq__(self, other: object) -> bool:
        return self.equals(other) if isinstance(other, Trace) else NotImplemented

    def __hash__(self) -> int:
        return hash((len(self), self.n_buffers, self.duration_ns, self._meta))

    def __reduce__(self) -> tuple[Any, ...]:
        # Through the checks again: arrays come writable out of a pickle.
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return partial(Trace, **given), ()

    def equals(self, other: Trace) -> bool:
        """Whether both say the same, however they are coded."""
        if not isinstance(other, Trace) or self.meta != other.meta:
            return False
        mine, its = trace_ops.content(self), trace_ops.content(other)
        return all(np.array_equal(a, b) for a, b in zip(mine, its, strict=True))

    def __len__(self) -> int:
        return len(self.op)

    def __repr__(self) -> str:
        heaps = ", ".join(self.heaps)
        return (
            f"<Trace: {len(self)} events, {self._n_allocs()} allocations "
            f"from {heaps or 'no heap'}, {format_ns(self.duration_ns)}>"
        )

    def _repr_html_(self) -> str:
        counts = np.bincount(self.op, minlength=max(Op) + 1)
        ops = ", ".join(f"{op.name} {counts[op]}" for op in Op if counts[op])
        peak = int(self.live_bytes().max(initial=0))
        facts = {
            "events": f"{len(self)} ({ops})",
            "heaps": ", ".join(self.heaps),
            "devices": ", ".join(self.devices),
            "processes": ", ".join(self.processes),
            "duration": format_ns(self.duration_ns),
            "most bytes at once": format_bytes(peak),
            **{key: str(value) for key, value in self.meta.items()},
        }
        rows = "".join(
            f"<tr><th>{html.escape(key)}</th><td>{html.escape(value)}</td></tr>"
            for key, value in facts.items()
            if value
        )
        return f"<table><caption>trace</caption>{rows}</table>"

    def _n_allocs(self) -> int:
        return int(np.count_nonzero(self.op == Op.ALLOC))


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def json_text(meta: Mapping[str, object] | None) -> str:
    """``meta`` as JSON, or the error that names it."""
    try:
        return json.dumps(dict(meta or {}), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError):
        raise wrong("Trace", "meta", meta, "a mapping that JSON can hold") from None


def _check(trace: Trace) -> None:
    found = _ffi.check_trace(trace)
    if found is not None:
        index, rule = found
        before = int(trace.time_ns[index - 1]) if index else 0
        raise broken_rule(trace, index, rule, before=before)
    trace_ops.check_process(trace)


def broken_rule(
    trace: _ffi.TraceColumns, row: int, rule: str, *, before: int, first: int = 0
) -> ValueError:
    """The error for the event in ``row`` of ``trace`` that breaks ``rule``.

    ``before`` is the time of the event before it. Rows are told from ``first`` on,
    for a trace that is part of another.
    """
    column, allowed = _RULES[rule]
    value = getattr(trace, column)
    shown = value[row] if value is not None else None
    if column == "buffer":
        allowed = f"for {Op(trace.op[row]).name} {allowed}"
    elif column == "time_ns":
        after = shown is None or shown >= 0
        allowed = f"{before} or more, as in the event before" if after else "0 or more"
    return columns.fault(column, first + row, shown, allowed)
