# SPDX-License-Identifier: MIT
"""A calibration in words: what a notebook shows and what a terminal prints."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import TYPE_CHECKING

from heapkit.costs import Cost
from heapkit.units import format_ns

if TYPE_CHECKING:
    from heapkit.calibration.result import Calibration

HEAD = ("constant", "value", "95 % interval", "base", "status", "from, or why not")


def lines_of(calibration: Calibration) -> list[tuple[str, ...]]:
    """One row a constant, under :data:`HEAD`, those that were measured first."""
    costs = calibration.costs.values()
    mine = [c for c in costs if not calibration.why_unmeasured(c.name)]
    rest = [c for c in costs if c not in mine]
    return [_line(calibration, cost) for cost in (*mine, *rest)]


def _line(calibration: Calibration, cost: Cost) -> tuple[str, ...]:
    base = calibration.base[cost.name]
    claim = calibration.measured.get(cost.name)
    interval = f"{_number(claim.low)} to {_number(claim.high)}" if claim else ""
    why = calibration.why_unmeasured(cost.name)
    told = why or (claim.how if claim else cost.source.partition(";")[0])
    value, old = f"{_number(cost.value)} {cost.unit}", _number(base.value)
    return (cost.name, value, interval, old, cost.status, told)


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


def verdict_of(calibration: Calibration) -> list[str]:
    """What was measured, where, and whether to believe it, in sentences."""
    machine = calibration.machine
    found = sum(not calibration.why_unmeasured(name) for name in calibration.base)
    load = f"load {machine.load:g}"
    told = f"{found} of {len(calibration.base)} constants were measured"
    clock = f"clock {format_ns(machine.clock_ns)} a reading"
    return [
        f"{machine}, {machine.when}; {machine.settings}; {load}; {clock}.",
        f"{told}; the spread is {calibration.noise:.0%} of the median.",
        "Trusted." if calibration.trusted else "Not to be trusted:",
        *calibration.why_not,
        *(f"Left out: {why}." for why in calibration.skipped),
    ]


def effects_of(calibration: Calibration) -> Iterator[str]:
    """Where memory that was just given back is quicker, or slower, by a tenth."""
    for place in calibration.places:
        for operation in ("allocate", "first touch", "free"):
            effect = calibration.pool_effect(place, operation)
            told = [
                f"{size // 1024} KiB {share:.2f}×"
                for size, share in effect.items()
                if abs(share - 1) > 0.1
            ]
            if told:
                yield f"{place}, {operation}, repeated over fresh: {', '.join(told)}"


def html_of(calibration: Calibration) -> str:
    """For a notebook."""
    first, *more = verdict_of(calibration)
    told = "".join(f"<br>{html.escape(line)}" for line in more)
    head = "".join(_cell("th", name, i) for i, name in enumerate(HEAD))
    body = "".join(
        "<tr>" + "".join(_cell("td", c, i) for i, c in enumerate(line)) + "</tr>"
        for line in lines_of(calibration)
    )
    effects = "".join(f"<li>{html.escape(e)}</li>" for e in effects_of(calibration))
    return (
        f"<p><b>{html.escape(first)}</b>{told}</p>"
        f"<table><tr>{head}</tr>{body}</table><ul>{effects}</ul>"
    )


def _cell(tag: str, text: str, column: int) -> str:
    # Jupyter aligns every cell to the right, which is for numbers.
    side = "right" if column in {1, 2, 3} else "left"
    return f"<{tag} style='text-align:{side}'>{html.escape(text)}</{tag}>"
