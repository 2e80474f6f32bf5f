# SPDX-License-Identifier: MIT
"""Who holds how much: of a run, per heap, per process and per buffer.

Android's rules (libdmabufinfo): a process holds a buffer by an fd or a mapping;
its RSS is the size of each buffer that it holds, once; its PSS is that size
divided by how many processes hold it, rounded down; what no process holds is
kernel-only. A reference of the process :data:`KERNEL` is a driver's. Who does what
is the trace's ``process``; without one all is done by the process "?".

A FREE by a process that holds no reference takes nobody's (:func:`strays`): the
others go on holding the buffer until its last reference is dropped.

Pools, and buffers whose free is deferred, are held memory that nobody owns. A run
tells of them at the events of their heap; in between they are as last told, and
after memory pressure no more than what that left in all.

All sizes are bytes. An ``event`` counts from the end where it is negative, and
the numbers are those after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heapkit import held_over_time as series
from heapkit.arguments import choice
from heapkit.charging import CHARGES, charges, over_limit
from heapkit.held_over_time import UNOWNED
from heapkit.holdings import KERNEL, UNKNOWN, Holdings, holdings, lives

if TYPE_CHECKING:
    import pandas as pd

    from heapkit.run import Run

__all__ = [
    "CHARGES",
    "KERNEL",
    "UNKNOWN",
    "at",
    "buffers",
    "heaps",
    "high_water",
    "over_limit",
    "over_time",
    "processes",
    "strays",
    "totals",
]

_MEASURES = ("rss", "pss")


# --- Of one moment -----------------------------------------------------------


def at(run: Run, event: int = -1) -> pd.DataFrame:
    """A row for each process and buffer that it holds, as ``dmabuf_dump`` has it.

    ``rss``, ``pss``, and ``holders``: how many processes hold the buffer.
    """
    import pandas as pd

    held = holdings(run)
    index = run._event(event)  # noqa: SLF001, as run.explain
    rows = _alive(held.start, held.end, index)
    life, process = held.life[rows], held.process[rows]
    found = held.lives
    programs = np.array([name != KERNEL for name in held.processes], np.int64)
    holders = np.zeros(len(found.start), np.int64)
    np.add.at(holders, life, programs[process])
    charged = programs[process] * found.size[life]
    frame = pd.DataFrame(
        {
            "process": _names(held.processes, process),
            "buffer": found.buffer[life],
            "heap": _names(run.heap_names, found.heap[life]),
            "rss": charged,
            "pss": charged // np.maximum(holders[life], 1),
            "holders": holders[life],
        }
    )
    order = np.lexsort((found.start[life], process))
    return frame.iloc[order].reset_index(drop=True)


def processes(run: Run, event: int = -1, *, charge: str = "none") -> pd.DataFrame:
    """A row for each process: ``buffers``, ``rss`` and ``pss``, and ``charged``.

    ``charged`` is what a memory cgroup of that process is charged for under the
    rule ``charge`` of :data:`CHARGES`; ``frame.attrs["charge"]`` says whether that
    rule is the kernel's or a proposal.
    """
    import pandas as pd

    rows = at(run, event)
    made = charges(run, charge)
    alive = _alive(made.start, made.end, run._event(event))  # noqa: SLF001
    charged = np.zeros(len(made.processes), np.int64)
    np.add.at(charged, made.process[alive], made.size[alive])
    sums = rows.groupby("process", observed=False)[["rss", "pss"]].sum()
    counts = rows.groupby("process", observed=False).size()
    frame = pd.DataFrame(
        {
            "process": list(made.processes),
            "buffers": counts.reindex(list(made.processes)).to_numpy(),
            "rss": sums["rss"].reindex(list(made.processes)).to_numpy(),
            "pss": sums["pss"].reindex(list(made.processes)).to_numpy(),
            "charged": charged,
        }
    )
    frame.attrs["charge"] = str(CHARGES[charge])
    return frame


def buffers(run: Run, event: int = -1) -> pd.DataFrame:
    """A row for each buffer, in the order they were allocated: who holds it.

    ``holders`` counts the processes named in ``processes`` and ``pss`` is the share
    of each; 0 and "" for a buffer that is kernel-only.
    """
    import pandas as pd

    found = lives(run)
    index = run._event(event)  # noqa: SLF001
    alive = _alive(found.start, found.end, index)
    rows = at(run, event)
    rows = rows[rows["process"] != KERNEL]
    names = rows["process"].astype(object).groupby(rows["buffer"]).agg(", ".join)
    ids = found.buffer[alive]
    who = names.reindex(ids).fillna("").to_numpy()
    holders = rows.groupby("buffer").size().reindex(ids).fillna(0).to_numpy(np.int64)
    shared = np.where(holders > 0, found.size[alive] // np.maximum(holders, 1), 0)
    return pd.DataFrame(
        {
            "buffer": ids,
            "heap": _names(run.heap_names, found.heap[alive]),
            "size": found.size[alive],
            "holders": holders,
            "pss": shared,
            "processes": who,
        }
    )


def heaps(run: Run, event: int = -1) -> pd.DataFrame:
    """A row for each heap: ``buffers``, their ``bytes``, and what nobody owns.

    ``pool_bytes`` and ``deferred_bytes`` are missing where the run has no gauges.
    """
    import pandas as pd

    found = lives(run)
    index = run._event(event)  # noqa: SLF001
    alive = _alive(found.start, found.end, index)
    count = np.bincount(found.heap[alive], minlength=len(run.heap_names))
    held = np.zeros(len(run.heap_names), np.int64)
    np.add.at(held, found.heap[alive], found.size[alive])
    data: dict[str, Any] = {"heap": run.heap_names, "buffers": count, "bytes": held}
    for column in UNOWNED.values():
        if column in run:
            data[column] = [
                int(series.last_told(run, heap, column, index + 1)[-1])
                for heap in range(len(run.heap_names))
            ]
    return pd.DataFrame(data)


def totals(run: Run, event: int = -1) -> dict[str, int]:
    """The whole in a few numbers.

    ``total`` of all buffers is ``userspace``, each buffer that a process holds
    counted once, and ``kernel_only``. Beside it, where the run has gauges, ``pool``
    and ``deferred``, and ``unowned``: both.
    """
    frame = buffers(run, event)
    total = int(frame["size"].sum())
    userspace = int(frame["size"][frame["holders"] > 0].sum())
    made = {"total": total, "userspace": userspace, "kernel_only": total - userspace}
    by_heap = heaps(run, event)
    if "pool_bytes" in by_heap:
        made |= {name: int(by_heap[UNOWNED[name]].sum()) for name in UNOWNED}
        made["unowned"] = made["pool"] + made["deferred"]
    return made


def strays(run: Run) -> NDArray[np.int64]:
    """The events at which a process gives up what it does not hold."""
    return holdings(run).strays


# --- Over time ---------------------------------------------------------------


def over_time(
    run: Run, by: str = "process", *, measure: str = "rss"
) -> dict[str, NDArray[np.int64]]:
    """Bytes after each event, by name: of every "process", "heap", or of "all".

    Of processes ``measure`` is "rss" or "pss". Of all: "total", "userspace",
    "kernel_only", and where the run has gauges "pool", "deferred" and "unowned".
    """
    choice("over_time", "by", by, ("process", "heap", "all"))
    choice("over_time", "measure", measure, _MEASURES)
    return _series(run, holdings(run), by, measure)


def _series(
    run: Run, held: Holdings, by: str, measure: str
) -> dict[str, NDArray[np.int64]]:
    if by == "process":
        return series.by_process(run, held, measure)
    if by == "heap":
        return {
            name: series.sums(
                run, *(c[held.lives.heap == i] for c in series.rows(held))
            )
            for i, name in enumerate(run.heap_names)
        }
    total, user = series.sums(run, *series.rows(held)), series.userspace(run, held)
    made = {"total": total, "userspace": user, "kernel_only": total - user}
    return made | series.unowned(run)


def high_water(run: Run) -> pd.DataFrame:
    """The most that each was at once, and the first ``event`` after which it was.

    ``of`` is "all", "heap" or "process", ``measure`` what of it (as
    :func:`over_time` has it; of a heap "bytes").
    """
    import pandas as pd

    held = holdings(run)
    whole = _series(run, held, "all", "")
    rows = [("all", "", *peak) for peak in _peaks(run, whole)]
    for of, measure in (("heap", "bytes"), ("process", "rss"), ("process", "pss")):
        found = _series(run, held, of, measure)
        rows += [(of, name, measure, *peak) for name, *peak in _peaks(run, found)]
    columns = ["of", "name", "measure", "bytes", "event", "time_ns"]
    return pd.DataFrame(rows, columns=columns)


def _peaks(run: Run, found: dict[str, NDArray[np.int64]]) -> Iterator[tuple[Any, ...]]:
    """Name, highest value, its first event and that one's time."""
    for name, values in found.items():
        if len(values):
            event = int(np.argmax(values))
            yield name, int(values[event]), event, int(run["time_ns"][event])


def _alive(
    start: NDArray[np.int64], end: NDArray[np.int64], event: int
) -> NDArray[np.intp]:
    return np.flatnonzero((start <= event) & (end > event))


def _names(names: tuple[str, ...], codes: NDArray[Any]) -> Any:
    import pandas as pd

    return pd.Categorical.from_codes(codes, pd.Index(names, dtype=object))
