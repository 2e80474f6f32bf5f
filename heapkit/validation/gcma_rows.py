# SPDX-License-Identifier: MIT
"""The GCMA table row by row: each series from the constants of the other."""

from __future__ import annotations

import math

from heapkit.published import GcmaRow, figure, gcma_rows, idle_cma_reports
from heapkit.replay import replay
from heapkit.units import MiB
from heapkit.validation import fit as fitting
from heapkit.validation.bench import cma_board, last_ns, lent_area, only
from heapkit.validation.fit import Fit, values
from heapkit.validation.gcma import (
    AIM,
    SERIES,
    TARGET,
    Machine,
    idle_otherwise,
    key,
    machine,
    observed,
    other,
    took,
)
from heapkit.validation.result import Row

LARGE = 32000
FLOOR = (0.3e6, 0.4e6)
LOADED = (20.0, 35.0)
WORDS = {"min": "least of 32", "avg": "average of 32"}
STATISTICS = (("cma", "min"), ("cma", "avg"), ("gcma", "min"), ("gcma", "avg"))


def rows() -> tuple[Row, ...]:
    """The targets, then every figure of the table from the other series."""
    loaded = [row for series in SERIES for row in _loaded(series)]
    return (*_floors(), *loaded, *_table(), *_left_out())


def _of(series: str, pages: int) -> GcmaRow:
    return next(r for r in gcma_rows() if (r.series, r.pages) == (series, pages))


def _floors() -> list[Row]:
    """The fixed part and the path through free pages, here and on a phone.

    Then the same by the other way to fit the minima, which was tried and dropped.
    """
    chosen, dropped = machine("v2").idle, idle_otherwise("v2")
    return [
        *_idle_rows(chosen),
        *_idle_rows(dropped, told=", by least squares instead"),
    ]


def _idle_rows(fits: tuple[Fit, ...], told: str = "") -> list[Row]:
    one, reports = _of("v1", 1), idle_cma_reports()
    large = [ns for pages, ns in reports if pages > 1000]
    pages = max(pages for pages, _ in reports)
    ns = took(1, values(fits), lent=False, discard=False)
    mean = sum(large) / len(large)
    far = _idle_elsewhere(pages, fits)
    reported = figure("idle_cma.floor").value
    here = f"floor: 1 page, least of 32 (v1){told}"
    there = f"floor on another machine (ARM32 4.14): 4 KiB, idle{told}"
    free = f"free path on that machine: {pages * 4} kB, idle, mean of 7{told}"
    range_ms = f"{min(large) / 1e6:.1f} to {max(large) / 1e6:.1f} ms"
    note = "" if told else f"the seven took {range_ms}"
    names = (key(one, "cma", "min"), "idle_cma.floor", "idle_cma.large")
    return [
        _idle_row(here, one.cma["min"], ns, names[0], fits, between=FLOOR),
        _idle_row(there, reported, ns, names[1], fits, between=FLOOR),
        _idle_row(free, mean, far, names[2], fits, within=AIM, note=note),
    ]


def _idle_row(
    what: str,
    published: float,
    model: float,
    name: str,
    fits: tuple[Fit, ...],
    *,
    within: float | None = None,
    between: tuple[float, float] | None = None,
    note: str = "",
) -> Row:
    return Row(
        target=TARGET,
        what=what,
        unit="ns",
        published=published,
        model=model,
        figures=(name,),
        fits=fits,
        within=within,
        between=between,
        detail="instead" in what,
        note=note,
    )


def _idle_elsewhere(pages: int, fits: tuple[Fit, ...]) -> float:
    """On a phone of 2 GB with an area of 1 GB."""
    bench = cma_board(memory=2048 * MiB, area=1024 * MiB, costs=only(values(fits)))
    return last_ns(replay(lent_area(bench, {}, pages), bench, gauges=False))


def _loaded(series: str) -> list[Row]:
    """32000 pages under load, CMA and GCMA, and how far they lie apart."""
    row, by = _of(series, LARGE), machine(other(series))
    moved = took(LARGE, by.cma, lent=True, discard=False)
    dropped = took(LARGE, by.gcma, lent=True, discard=True)
    cma, gcma = key(row, "cma", "avg"), key(row, "gcma", "avg")
    return [
        Row(
            target=TARGET,
            what=f"CMA under load: {LARGE} pages, average ({series})",
            unit="µs/page",
            published=row.cma["avg"] / LARGE / 1e3,
            model=moved / LARGE / 1e3,
            figures=(cma,),
            fits=by.idle + by.moving,
            between=LOADED,
        ),
        Row(
            target=TARGET,
            what=f"GCMA under load: {LARGE} pages, average ({series})",
            unit="µs/page",
            published=row.gcma["avg"] / LARGE / 1e3,
            model=dropped / LARGE / 1e3,
            figures=(gcma,),
            fits=by.floor + by.dropping,
            within=AIM,
        ),
        Row(
            target=TARGET,
            what=f"order: CMA over GCMA, {LARGE} pages, average ({series})",
            unit="times",
            published=row.cma["avg"] / row.gcma["avg"],
            model=moved / dropped,
            figures=(cma, gcma),
            fits=by.idle + by.moving + by.floor + by.dropping,
            between=(10.0, math.inf),
        ),
    ]


def _table() -> list[Row]:
    """Each figure of each series, by the constants of the other."""
    return [
        _cell(row, kind, statistic, machine(other(row.series)))
        for kind, statistic in STATISTICS
        for row in gcma_rows()
    ]


def _cell(row: GcmaRow, kind: str, statistic: str, by: Machine, note: str = "") -> Row:
    lent, discard = statistic == "avg", kind == "gcma"
    return Row(
        target=f"{kind.upper()}, {WORDS[statistic]}{note}",
        what=f"{row.pages} pages ({row.series})",
        unit="ns",
        published=getattr(row, kind)[statistic],
        model=took(
            row.pages, by.gcma if discard else by.cma, lent=lent, discard=discard
        ),
        figures=(key(row, kind, statistic),),
        fits=_fits(by, discard=discard, lent=lent),
        detail=True,
    )


def _fits(by: Machine, *, discard: bool, lent: bool) -> tuple[Fit, ...]:
    idle = by.floor if discard else by.idle
    loaded = by.dropping if discard else by.moving
    return idle + loaded if lent else idle


def _left_out() -> list[Row]:
    """Each average of CMA by the constants of the other fifteen rows."""
    return [_without(row) for row in gcma_rows()]


def _without(row: GcmaRow) -> Row:
    idle = machine(*SERIES).idle
    moving = fitting.fit(
        ("migrate_page",),
        [observed(r, "cma", "avg", lent=True) for r in gcma_rows() if r != row],
        fixed=values(idle),
        how="least squares on the other 15 averages",
    )
    by = Machine(idle, moving, (), ())
    return _cell(row, "cma", "avg", by, ", the row left out")
