# SPDX-License-Identifier: MIT
"""How often each event was charged each constant, and what that makes in ns.

A latency is a sum of count × constant, rounded once to a nanosecond. A run that was
replayed with ``breakdown=True`` keeps the counts of the constants that any of its
events was charged; the nanoseconds are worked out when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import PRICE_NAMES
from heapkit.cost_groups import GROUPS, largest
from heapkit.costs import Costs
from heapkit.units import format_ns

if TYPE_CHECKING:
    import pandas as pd

    from heapkit.run import Run

# Events whose counts are had at once, 300 bytes each: they stay in a near cache until
# the columns are taken out of them.
ROWS = 1 << 13


class Counts:
    """Of ``events`` events: a column for each constant that any was charged.

    They are four bytes a count where all fit.
    """

    def __init__(self, events: int) -> None:
        self._events = events
        self._columns: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        return self._events

    def take(self, part: slice, counts: NDArray[np.void]) -> None:
        """Keep what the core counted for the events ``part``: ``struct hk_counts``."""
        table = counts["n"]
        for index in np.flatnonzero(table.any(axis=0)):
            self._column(PRICE_NAMES[index], table[:, index])[part] = table[:, index]

    def _column(self, name: str, counts: NDArray[np.uint64]) -> NDArray[Any]:
        column = self._columns.get(name)
        if column is None:
            column = np.zeros(self._events, np.uint32)
        if counts.max() > np.iinfo(column.dtype).max:
            column = column.astype(np.uint64)
        self._columns[name] = column
        return column

    @property
    def names(self) -> tuple[str, ...]:
        """The constants that were charged, in the order of ``board.costs``."""
        return tuple(name for name in PRICE_NAMES if name in self._columns)

    def of(self, name: str) -> NDArray[np.uint64]:
        """The counts of one constant, one an event; 0 where it was never charged."""
        column = self._columns.get(name)
        if column is None:
            return np.zeros(self._events, np.uint64)
        return column.astype(np.uint64)

    def at(self, event: int) -> dict[str, int]:
        """The counts of one event, of what it was charged."""
        counts = ((name, int(self._columns[name][event])) for name in self.names)
        return {name: count for name, count in counts if count}

    def ns(self, name: str, costs: Costs) -> NDArray[np.float64]:
        """What that constant came to, one an event."""
        price = costs[name].value
        return np.multiply(self.of(name), price, dtype=np.float64)

    def by_group(self, costs: Costs) -> Iterator[tuple[str, NDArray[np.float64]]]:
        """The parts that any event was charged, and what each event paid for them."""
        for group, names in GROUPS.items():
            charged = [name for name in names if name in self._columns]
            if charged:
                total = np.zeros(self._events)
                for name in charged:
                    total += self.ns(name, costs)
                yield group, total


def named(counts: NDArray[np.void]) -> dict[str, int]:
    """One event's ``struct hk_counts`` as :meth:`Counts.at` has it."""
    pairs = zip(PRICE_NAMES, counts["n"].tolist(), strict=True)
    return {name: count for name, count in pairs if count}


def priced(counts: dict[str, int], costs: Costs) -> dict[str, float]:
    """Nanoseconds of each constant."""
    return {name: count * costs[name].value for name, count in counts.items()}


def frame(counts: Counts, costs: Costs) -> pd.DataFrame:
    """A row per event, a column per part, in ns."""
    import pandas as pd

    return pd.DataFrame(dict(counts.by_group(costs)), index=range(len(counts)))


def totals(counts: Counts, costs: Costs) -> dict[str, int]:
    """What all events together paid for each part, in whole ns."""
    return {group: round(float(ns.sum())) for group, ns in counts.by_group(costs)}


def takes(run: Run, i: int) -> str:
    """The latency of event ``i`` in words and, of several parts, the two largest."""
    ns = run.breakdown(i)
    parts, whole = largest(ns, 2), sum(ns.values())
    words = format_ns(run["latency_ns"][i])
    if len(parts) > 1 and parts[1][1] >= whole / 100:
        told = ", ".join(f"{name} {format_ns(part)}" for name, part in parts)
        return f"{words} ({told})"
    return f"{words} (nearly all of it {parts[0][0]})" if len(parts) > 1 else words
