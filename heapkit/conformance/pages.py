# SPDX-License-Identifier: MIT
"""Reports and comparisons for people: lines of text, and tables in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from heapkit.conformance.comparison import Comparison, Pair
    from heapkit.conformance.report import Report, Row

_ROW_HEAD: Final = ("heap", "check", "what", "expected", "answer", "verdict")
_PAIR_HEAD: Final = ("check", "what", "simulated", "live", "verdict", "why")
# Once a table: on each of some thousand cells it would be most of a saved notebook.
_ALIGNED: Final = "<style>table.heapkit-answers td {text-align: left}</style>"
_STYLE: Final = {
    "not ok": "color:#a00000;font-weight:bold",
    "DIFFERS": "color:#a00000;font-weight:bold",
    "UNPAIRED": "color:#a00000;font-weight:bold",
    "known difference": "color:#7a5200",
}


# --- A report ----------------------------------------------------------------


def report_text(report: Report) -> str:
    """A line for each heap, then what is not ok with both answers."""
    lines = [str(report.platform)]
    for heap in report.heaps:
        counts = report.counts(heap)
        told = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
        lines.append(f"{heap}: {told}")
    for row in report.failures:
        right, given = " or ".join(row.expected), _given(row)
        lines.append(f"not ok  {row.heap}  {row.check}: {row.title}")
        lines.append(f"        {row.did}: expected {right}; answer {given}")
    return "\n".join(lines)


def report_html(report: Report) -> str:
    """The counts of each heap, what is not ok, and the rest folded away."""
    counts = [("heap", *report.counts())]
    counts += [(heap, *map(str, report.counts(heap).values())) for heap in report.heaps]
    rest = [row for row in report if row.verdict != "not ok"]
    shown = f"<p>{html.escape(str(report.platform))}</p>{_table(counts)}"
    if report.failures:
        shown += _table([_ROW_HEAD, *map(_row_cells, report.failures)])
    return shown + _folded(
        f"{len(rest)} other rows", [_ROW_HEAD, *map(_row_cells, rest)]
    )


def _row_cells(row: Row) -> tuple[str, ...]:
    right = " or ".join(row.expected)
    given = row.answer or row.reason
    return (row.heap, row.check, row.title, right, given, row.verdict)


def _given(row: Row) -> str:
    return row.answer or row.reason


# --- A comparison ------------------------------------------------------------


def comparison_text(comparison: Comparison) -> str:
    """How many pairs there are of each verdict, then both answers of what differs."""
    ours, theirs = comparison.simulated.platform, comparison.live.platform
    counts = comparison.counts()
    lines = [f"{ours} against {theirs}"]
    lines.append(", ".join(f"{n} {verdict}" for verdict, n in counts.items()))
    for pair in (*comparison.failures, *comparison.known):
        lines.append(f"{pair.verdict}  {pair.check}: {pair.title}")
        if pair.simulated or pair.live:
            lines.append(f"    simulated {pair.simulated_heap}: {pair.simulated}")
            lines.append(f"    live {pair.live_heap}: {pair.live}")
        if pair.why:
            lines.append(f"    {pair.why}")
    return "\n".join(lines)


def comparison_html(comparison: Comparison) -> str:
    """What differs, what is known to, and the rest folded away."""
    head, *lines = comparison_text(comparison).splitlines()[:2]
    shown = "".join(f"<p>{html.escape(line)}</p>" for line in (head, *lines))
    first = [*comparison.failures, *comparison.known]
    if first:
        shown += _table([_PAIR_HEAD, *map(_pair_cells, first)])
    rest = [pair for pair in comparison.pairs if pair not in first]
    rows = [_PAIR_HEAD, *map(_pair_cells, rest)]
    return shown + _folded(f"{len(rest)} other pairs", rows)


def _pair_cells(pair: Pair) -> tuple[str, ...]:
    return (
        pair.check,
        pair.title,
        f"{pair.simulated_heap}: {pair.simulated}",
        f"{pair.live_heap}: {pair.live}",
        pair.verdict,
        pair.why,
    )


# --- Tables ------------------------------------------------------------------


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *body = rows
    cells = "".join(f"<th>{html.escape(cell)}</th>" for cell in head)
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in body)
    return (
        f'{_ALIGNED}<table class="heapkit-answers">'
        f"<thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table>"
    )


def _cells(row: Iterable[str]) -> str:
    return "".join(f"<td{_look(cell)}>{html.escape(cell)}</td>" for cell in row)


def _look(cell: str) -> str:
    return f' style="{_STYLE[cell]}"' if cell in _STYLE else ""


def _folded(title: str, rows: Sequence[Sequence[str]]) -> str:
    summary = f"<summary>{html.escape(title)}</summary>"
    return f"<details>{summary}{_table(rows)}</details>"
