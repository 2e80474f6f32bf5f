# SPDX-License-Identifier: MIT
"""Figures as tables: a heading and rows of cells, for a terminal or for Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks import camera, sizes
from benchmarks.budgets import AIMS, BUDGETS, Budget, verdicts
from benchmarks.figures import Figure
from benchmarks.traces import KINDS

CASES = tuple(kind.name for kind in KINDS)
Row = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """``widths`` are a terminal's columns; all cells but the first are to the right."""

    title: str
    head: Row
    widths: tuple[int, ...]
    rows: tuple[Row, ...]

    def text(self) -> str:
        """For a terminal."""
        return "\n".join(self._line(row) for row in (self.head, *self.rows))

    def _line(self, row: Row) -> str:
        first, *rest = (*row, *[""] * (len(self.widths) - len(row)))
        cells = [f"{first:<{self.widths[0]}}"]
        cells += [f"{c:>{w}}" for c, w in zip(rest, self.widths[1:], strict=True)]
        return "".join(cells).rstrip()

    def markdown(self) -> str:
        """For a page."""
        lines = ["| " + " | ".join(self.head) + " |"]
        lines.append("|---|" + "--:|" * (len(self.head) - 1))
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines)


def number(value: float) -> str:
    """Three digits that count."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def spread(figure: Figure) -> str:
    """The median, and how far the rounds lie apart."""
    return f"{number(figure.median)} ({figure.spread:.0%})"


def facts(figures: Sequence[Figure]) -> Table:
    """What is in the traces."""
    table = times(figures, "trace", "traces")
    rows = tuple(
        (name, *(c.partition(" ")[0] for c in row)) for name, *row in table.rows
    )
    return replace(table, rows=rows)


def times(figures: Sequence[Figure], unit: str, title: str) -> Table:
    """A line per figure of ``unit`` and a column per trace."""
    by_name: dict[str, dict[str, Figure]] = {}
    for figure in figures:
        if figure.unit == unit and figure.case in CASES:
            by_name.setdefault(figure.name, {})[figure.case] = figure
    rows = tuple(
        (name, *(spread(row[case]) if case in row else "" for case in CASES))
        for name, row in by_name.items()
    )
    return Table(title, (title, *CASES), (36, 16, 16, 16, 16), rows)


def whole_camera(figures: Sequence[Figure]) -> Table:
    """A line per figure of the camera's own trace."""
    rows = tuple(
        (figure.name, figure.unit, spread(figure), figure.note)
        for figure in figures
        if figure.case == camera.CASE
    )
    head = (camera.CASE, "", "median (spread)", "of")
    return Table(camera.CASE, head, (36, 10, 18, 32), rows)


def judged(figures: Sequence[Figure], budgets: Sequence[Budget], title: str) -> Table:
    """A line per budget and case."""
    rows = tuple(
        (
            row.budget.what,
            row.figure.case,
            f"{'≥' if row.budget.at_least else '≤'} {number(row.bound)}",
            number(row.figure.median),
            f"{row.figure.spread:.0%}",
            "OK" if row.met else "MISS",
        )
        for row in verdicts(figures, budgets)
    )
    head = (title, "trace", "bound", "median", "spread", "")
    return Table(title, head, (54, 12, 8, 10, 8, 6), rows)


def against_size(figures: Sequence[Figure]) -> Table:
    """A line per board."""
    boards = [(board, board.found(figures)) for board in sizes.BOARDS]
    rows = tuple(_against_size(board, found) for board, found in boards if found)
    head = (sizes.NAME, "ns an event", "to make, ms", "MiB", "a page", "reserved")
    return Table(sizes.NAME, head, (38, 14, 13, 10, 10, 10), rows)


def _against_size(board: sizes.Board, found: dict[tuple[str, str], Figure]) -> Row:
    name = f"{board.heap}, {board.size}, {board.how}"
    if not found[sizes.TIME].rounds:
        return name, found[sizes.TIME].note
    rest = (found[w] for w in (sizes.RESIDENT, sizes.PER_PAGE, sizes.RESERVED))
    cells = (number(figure.median) for figure in rest)
    return name, spread(found[sizes.TIME]), number(found[sizes.MAKE].median), *cells


def all_tables(figures: Sequence[Figure]) -> list[Table]:
    """Those that have a row."""
    tables = (
        facts(figures),
        times(figures, "ns/event", "ns an event (spread of the rounds)"),
        whole_camera(figures),
        judged(figures, BUDGETS, "budgets"),
        judged(figures, AIMS, "aims beyond them"),
        times(figures, "bytes/page", "bytes a page"),
        against_size(figures),
    )
    return [table for table in tables if table.rows]
