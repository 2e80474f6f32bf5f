# SPDX-License-Identifier: MIT
"""What is wrong with how a trace shares its buffers: stale reads, lost writes.

The core follows every cache line of every buffer; here a run's trace is replayed
once more with its findings kept, and each is traced back to the event behind it.
"""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import FINDING, FindingKind, Op
from heapkit.arguments import wrong
from heapkit.finding_causes import Around, around, causes, devices_of
from heapkit.finding_words import Case, missing, sentence
from heapkit.finding_writes import NONE
from heapkit.run import Run
from heapkit.trace_ops import DEVICE_OPS, MEMORY_OPS, categories, rows_of
from heapkit.watch import watch

if TYPE_CHECKING:
    import pandas as pd

WRONG, WARNING = "wrong data", "warning"
# Kinds up to this one are data gone wrong, the others what the kernel lets pass.
_LAST_WRONG = FindingKind.UNMAPPED_DEVICE
SHOWN = 10  # in a notebook
_READ = ("event", "kind", "op", "offset", "bytes")


def coherency(run: Run, *, progress: bool | None = None) -> Findings:
    """Check how the trace of ``run`` shares its buffers: what is stale or lost.

    The trace is replayed once more on the run's board. Found are reads of data that
    a missing call left stale, writes that are lost, devices that access memory
    without a mapping, and, as warnings, calls that do not pair, which the kernel
    accepts, and devices that snoop and read what others wrote. Who reads and writes
    is what the trace says: without CPU_READ, CPU_WRITE, DEVICE_READ and DEVICE_WRITE
    only calls that do not pair are found.

    An interrupt is answered as in :func:`heapkit.replay`, and ``progress`` means
    the same.
    """
    if not isinstance(run, Run):
        raise wrong("coherency", "run", run, "a heapkit.Run")
    parts = watch(run.trace, run.board, progress=progress)
    found = [part.findings.copy() for part in parts]
    return Findings(run, np.concatenate([np.empty(0, FINDING), *found]))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding; ``explanation`` is a sentence that names the missing call.

    ``buffer`` is the trace's own id, ``device`` None where none is concerned,
    ``bytes`` are in whole cache lines from ``offset`` on (0: none in particular),
    ``cause`` is the event that made them dirty or stale, or the BEGIN_CPU that does
    not pair; None if there is no such.
    """

    event: int
    time_ns: int
    buffer: int
    heap: str
    device: str | None
    kind: str
    severity: str
    bytes: int
    offset: int
    cause: int | None
    missing: str
    explanation: str


class _Behind(NamedTuple):
    """What is worked out about findings, each in their order."""

    rows: list[tuple[int, ...]]  # of _READ
    around: list[Around]
    cause: NDArray[np.int64]
    unmapped: list[bool]  # whether the cause's device had no mapping


class Findings:
    """All findings of a run, in the order of its events; immutable.

    ``len``, iteration and ``findings[i]`` give :class:`Finding` objects;
    :meth:`to_frame` a row for each.
    """

    __slots__ = ("_found", "_known", "_run")
    _run: Run
    _found: NDArray[np.void]
    _known: _Behind

    def __init__(self, run: Run, found: NDArray[np.void]) -> None:
        found.flags.writeable = False
        object.__setattr__(self, "_run", run)
        object.__setattr__(self, "_found", found)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Findings is immutable: {name}")

    def __reduce__(self) -> tuple[Any, ...]:
        return Findings, (self._run, self._found.copy())

    @property
    def follows_data(self) -> bool:
        """Whether the trace says who reads and writes: else only warnings are found."""
        return bool(rows_of(self._run.trace.op, MEMORY_OPS).any())

    @property
    def wrong(self) -> int:
        """How many findings are data gone wrong."""
        return int(np.count_nonzero(self._found["kind"] <= _LAST_WRONG))

    @property
    def warnings(self) -> int:
        """How many are what the kernel accepts and nobody should rely on."""
        return len(self) - self.wrong

    def counts(self) -> dict[str, int]:
        """How many findings there are of each kind that was found."""
        numbers = np.bincount(self._found["kind"], minlength=len(FindingKind))
        return {kind.name: int(numbers[kind]) for kind in FindingKind if numbers[kind]}

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Finding]:
        return map(self.__getitem__, range(len(self)))

    def __getitem__(self, i: int) -> Finding:
        case = self._case(self._index(i))
        op, trace = case.op, self._run.trace
        return Finding(
            event=case.event,
            time_ns=int(trace.time_ns[case.event]),
            buffer=case.buffer,
            heap=self._run.heap_names[self._run["heap"][case.event]],
            device=case.device(case.event) if op in DEVICE_OPS else None,
            kind=case.kind.name,
            severity=WRONG if case.kind <= _LAST_WRONG else WARNING,
            bytes=case.bytes,
            offset=case.offset,
            cause=None if case.cause == NONE else case.cause,
            missing=missing(case),
            explanation=sentence(case),
        )

    def explain(self, i: int) -> str:
        """What the ``i``-th finding is, in a sentence that names the missing call."""
        return sentence(self._case(self._index(i)))

    def to_frame(self) -> pd.DataFrame:
        """One row per finding, with what :class:`Finding` has; -1 for no cause."""
        import pandas as pd

        run, trace, found = self._run, self._run.trace, self._found
        event = found["event"].astype(np.int64)
        kind = found["kind"].astype(np.int64)
        on_device = rows_of(trace.op[event], DEVICE_OPS)
        device = np.where(on_device, devices_of(trace)[event].astype(np.int64), -1)
        kinds = tuple(each.name for each in FindingKind)
        cases = (self._case(i) for i in range(len(self)))
        return pd.DataFrame(
            {
                "event": event,
                "time_ns": trace.time_ns[event],
                "buffer": trace.buffer[event],
                "heap": categories(run["heap"][event].astype(np.int64), run.heap_names),
                "device": categories(device, trace.devices or ("device",)),
                "kind": categories(kind, kinds),
                "severity": categories(
                    (kind > _LAST_WRONG).astype(np.int64), (WRONG, WARNING)
                ),
                "bytes": found["bytes"].astype(np.int64),
                "offset": found["offset"].astype(np.int64),
                "cause": self._behind().cause,
                "missing": pd.Series([missing(case) for case in cases], dtype=object),
            }
        )

    def _index(self, i: int) -> int:
        if not -len(self) <= i < len(self):
            raise IndexError(f"finding {i}: there are {len(self)}")
        return i % len(self)

    def _behind(self) -> _Behind:
        """Worked out when first asked for, for all findings at once."""
        try:
            return self._known
        except AttributeError:
            found = self._found
            open_ = around(self._run, found)
            cause = causes(self._run, found, open_)
            event = found["event"].astype(np.int64)
            unmapped = event[found["kind"] == FindingKind.UNMAPPED_DEVICE]
            rows = [found[name].tolist() for name in _READ]
            known = _Behind(
                list(zip(*rows, strict=True)),
                open_,
                cause,
                np.isin(cause, unmapped).tolist(),
            )
            object.__setattr__(self, "_known", known)
            return known

    def _case(self, i: int) -> Case:
        run, known = self._run, self._behind()
        event, kind, op, offset, length = known.rows[i]
        return Case(
            trace=run.trace,
            event=event,
            kind=FindingKind(kind),
            op=Op(op),
            offset=offset,
            bytes=length,
            cause=int(known.cause[i]),
            unmapped=known.unmapped[i],
            lazy=run.board.sync.lazy,
            around=known.around[i],
        )

    @property
    def heading(self) -> str:
        """How many there are, and what could not be found; a line."""
        told = f"{self.wrong} with wrong data, {self.warnings} warnings"
        if self.follows_data:
            return told
        return (
            f"{told}; the trace does not say who reads and writes, so that only calls "
            "that do not pair can be found"
        )

    def __repr__(self) -> str:
        return f"<Findings: {self.heading}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{html.escape(self.explain(i))}</td></tr>"
            for i in range(min(SHOWN, len(self)))
        )
        if len(self) > SHOWN:
            rows += f"<tr><td>… and {len(self) - SHOWN} more</td></tr>"
        caption = f"Findings: {self.heading}"
        return f"<table><caption>{html.escape(caption)}</caption>{rows}</table>"
