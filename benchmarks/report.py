# SPDX-License-Identifier: MIT
"""Figures for a reader in 100 columns, and for a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.budgets import AIMS, BUDGETS, Verdict, verdicts
from benchmarks.figures import Figure
from benchmarks.traces import KINDS

CASES = tuple(kind.name for kind in KINDS)


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def times(figures: Sequence[Figure]) -> list[str]:
    """CPU time an event, a line per contender and a column per trace."""
    by_name: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        if figure.unit == "ns/event" and figure.case in CASES:
            by_name.setdefault(figure.name, {})[figure.case] = figure
    head = f"{'ns an event (spread of the rounds)':<36}" + "".join(
        f"{case:>16}" for case in CASES
    )
    return [head, *(_times(name, row) for name, row in by_name.items())]


def _times(name: str, row: dict[str, Figure]) -> str:
    cells = (_cell(row[case]) if case in row else "" for case in CASES)
    return f"{name:<36}" + "".join(f"{cell:>16}" for cell in cells)


def _cell(figure: Figure) -> str:
    return f"{number(figure.median)} ({figure.spread:4.0%})"


def judged(title: str, rows: Sequence[Verdict]) -> list[str]:
    """One line per budget and case."""
    head = f"{title:<54}{'':<12}{'bound':>8}{'measured':>10}{'spread':>8}"
    return [head, *(_judged(row) for row in rows)]


def _judged(row: Verdict) -> str:
    sign = ">=" if row.budget.at_least else "<="
    bound = f"{sign} {number(row.bound)}"
    return (
        f"{row.budget.what:<54}{row.figure.case:<12}{bound:>8}"
        f"{number(row.figure.median):>10}{row.figure.spread:>8.0%}"
        f"  {'OK' if row.met else 'MISS'}"
    )


def table(machine: dict[str, Any], figures: Sequence[Figure]) -> str:
    """All of it as lines for a terminal."""
    parts = [
        [", ".join(f"{name} {value}" for name, value in machine.items())],
        times(figures),
        judged("budgets", verdicts(figures, BUDGETS)),
        judged("aims beyond them", verdicts(figures, AIMS)),
    ]
    return "\n\n".join("\n".join(part) for part in parts)


def document(machine: dict[str, Any], figures: Sequence[Figure]) -> dict[str, Any]:
    """All of it for JSON."""
    return {
        "machine": machine,
        "figures": [
            {**vars(figure), "median": figure.median, "spread": figure.spread}
            for figure in figures
        ],
        "budgets": [_json(row) for row in verdicts(figures, BUDGETS)],
        "aims": [_json(row) for row in verdicts(figures, AIMS)],
    }


def _json(row: Verdict) -> dict[str, Any]:
    return {
        "what": row.budget.what,
        "figure": row.figure.name,
        "case": row.figure.case,
        "at_least" if row.budget.at_least else "at_most": row.bound,
        "median": row.figure.median,
        "met": row.met,
    }
