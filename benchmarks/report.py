# SPDX-License-Identifier: MIT
"""Figures for a reader in 100 columns, and for a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.budgets import AIMS, BUDGETS, ELSEWHERE, Verdict, verdicts
from benchmarks.figures import Figure
from benchmarks.tables import all_tables


def text(machine: dict[str, Any], figures: Sequence[Figure]) -> str:
    """All of it as lines for a terminal."""
    parts = ["\n".join(f"{name:<10} {value}" for name, value in machine.items())]
    parts += [table.text() for table in all_tables(figures)]
    return "\n\n".join([*parts, *ELSEWHERE])


def document(machine: dict[str, Any], figures: Sequence[Figure]) -> dict[str, Any]:
    """All of it for JSON."""
    return {
        "machine": machine,
        "figures": [_figure(figure) for figure in figures],
        "budgets": [_verdict(row) for row in verdicts(figures, BUDGETS)],
        "aims": [_verdict(row) for row in verdicts(figures, AIMS)],
    }


def _figure(figure: Figure) -> dict[str, Any]:
    median = figure.median if figure.rounds else None
    return {**vars(figure), "median": median, "spread": figure.spread}


def _verdict(row: Verdict) -> dict[str, Any]:
    return {
        "what": row.budget.what,
        "figure": row.figure.name,
        "case": row.figure.case,
        "at_least" if row.budget.at_least else "at_most": row.bound,
        "median": row.figure.median,
        "met": row.met,
    }
