# SPDX-License-Identifier: MIT
"""Two reports side by side: what a simulation answers and what a kernel does."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from heapkit.arguments import wrong
from heapkit.conformance import pages
from heapkit.conformance.known import Difference, known_differences
from heapkit.conformance.platform import Platform
from heapkit.conformance.report import NOT_OK, Report, Row

if TYPE_CHECKING:
    import pandas as pd

SAME, KNOWN, DIFFERS, ONE_SIDED, UNPAIRED = (
    *("same", "known difference", "DIFFERS", "one-sided"),
    "UNPAIRED",
)
VERDICTS: Final = (DIFFERS, UNPAIRED, KNOWN, ONE_SIDED, SAME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One check, asked of two heaps.

    ``verdict``: "same"; "known difference", as the data has it (``why``); "DIFFERS",
    which is a failure; "one-sided" where one of them was not asked (``why`` is its
    reason); "UNPAIRED", a failure, for a live heap whose kind nobody simulated.
    """

    check: str
    title: str
    simulated_heap: str
    simulated: str
    live_heap: str
    live: str
    verdict: str
    why: str = ""


@dataclass(frozen=True, repr=False)
class Comparison:
    """Every pair; shown as a table in a notebook, what differs first."""

    simulated: Report
    live: Report
    pairs: tuple[Pair, ...]

    @property
    def failures(self) -> tuple[Pair, ...]:
        """What differs and is not known to, and heaps without a counterpart."""
        return tuple(p for p in self.pairs if p.verdict in (DIFFERS, UNPAIRED))

    @property
    def known(self) -> tuple[Pair, ...]:
        """What differs for a reason that the data has."""
        return tuple(p for p in self.pairs if p.verdict == KNOWN)

    @property
    def ok(self) -> bool:
        """Whether something was compared, and nothing differs that is not known to."""
        return bool(self.counts()[SAME]) and not self.failures

    def counts(self) -> dict[str, int]:
        """How many pairs have each verdict."""
        counted = Counter(pair.verdict for pair in self.pairs)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    def facts(self) -> dict[str, Any]:
        """What JSON can hold: the counts, and every pair."""
        pairs = [dataclasses.asdict(pair) for pair in self.pairs]
        return {"ok": self.ok, "counts": self.counts(), "pairs": pairs}

    def to_frame(self) -> pd.DataFrame:
        """The table, a row per check and live heap."""
        import pandas as pd

        columns = [field.name for field in dataclasses.fields(Pair)]
        return pd.DataFrame(map(dataclasses.asdict, self.pairs), columns=columns)

    def __repr__(self) -> str:
        told = ", ".join(f"{n} {verdict}" for verdict, n in self.counts().items() if n)
        both = f"{self.simulated.platform} and {self.live.platform}"
        return f"<Comparison of {both}: {told or 'nothing'}>"

    def __str__(self) -> str:
        return pages.comparison_text(self)

    def _repr_html_(self) -> str:
        return pages.comparison_html(self)


def compare(
    simulated: Report, live: Report, *, differences: Sequence[Difference] | None = None
) -> Comparison:
    """Both answers to each check, of heaps of one name or else of one kind.

    Two answers that differ are a failure, unless the data of known differences has the
    one or the other for just that kind of heap, kernel and configuration.
    """
    for name, report in (("simulated", simulated), ("live", live)):
        if not isinstance(report, Report):
            raise wrong("compare", name, report, "a heapkit.conformance.Report")
    known = known_differences() if differences is None else tuple(differences)
    pairs: list[Pair] = []
    for heap in live.heaps:
        pairs += _of_heap(heap, simulated, live, known)
    return Comparison(simulated, live, tuple(pairs))


def _of_heap(
    heap: str, simulated: Report, live: Report, known: tuple[Difference, ...]
) -> list[Pair]:
    rows = live.of(heap)
    partner = _partner(rows[0], simulated)
    if partner is None:
        return [_unpaired(rows[0], simulated)]
    others = {row.check: row for row in simulated.of(partner)}
    platforms = simulated.platform, live.platform
    return [
        _pair(others[row.check], row, platforms, known)
        for row in rows
        if row.check in others
    ]


def _partner(row: Row, simulated: Report) -> str | None:
    """The heap of that name and kind, or the first of that kind."""
    kinds = {one.heap: one.kind for one in reversed(simulated.rows)}
    if kinds.get(row.heap) == row.kind:
        return row.heap
    same = (heap for heap in simulated.heaps if kinds[heap] == row.kind)
    return next(same, None)


def _unpaired(row: Row, simulated: Report) -> Pair:
    why = f"no simulated heap is of the kind {row.kind!r}: {', '.join(simulated.heaps)}"
    return Pair(
        check="*",
        title="the heap has a simulated counterpart",
        simulated_heap="",
        simulated="",
        live_heap=row.heap,
        live="",
        verdict=UNPAIRED,
        why=why,
    )


def _pair(
    ours: Row,
    theirs: Row,
    platforms: tuple[Platform, Platform],
    known: tuple[Difference, ...],
) -> Pair:
    verdict, why = _judged(ours, theirs, platforms, known)
    return Pair(
        check=theirs.check,
        title=theirs.title,
        simulated_heap=ours.heap,
        simulated=_shown(ours),
        live_heap=theirs.heap,
        live=_shown(theirs),
        verdict=verdict,
        why=why,
    )


def _shown(row: Row) -> str:
    return row.answer or row.reason if row.verdict == NOT_OK else row.answer


def _judged(
    ours: Row,
    theirs: Row,
    platforms: tuple[Platform, Platform],
    known: tuple[Difference, ...],
) -> tuple[str, str]:
    # A row that failed without an answer (an exception, a silence) is an answer, too.
    for row in (ours, theirs):
        if not row.answer and row.verdict != NOT_OK:
            return ONE_SIDED, f"{row.verdict}: {row.reason}"
    if _shown(ours) == _shown(theirs):
        return SAME, ""
    rules = [
        _rule(row, platform, known)
        for row, platform in zip((ours, theirs), platforms, strict=True)
    ]
    for row, rule in zip((ours, theirs), rules, strict=True):
        if row.answer not in (rule.answers if rule else row.expected):
            return DIFFERS, ""
    # Each is right where it was given, so one of them stands in the data.
    told = [f"{rule.why} ({rule.source})" for rule in rules if rule]
    return KNOWN, "; ".join(dict.fromkeys(reversed(told)))


def _rule(
    row: Row, platform: Platform, known: tuple[Difference, ...]
) -> Difference | None:
    held = (one for one in known if one.concerns(row.check))
    return next((one for one in held if one.holds(row.kind, platform)), None)
