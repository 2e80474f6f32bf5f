# SPDX-License-Identifier: MIT
"""Reports next to each other, a column for each heap of each, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from heapkit.conformance.report import Report, Row
from heapkit.samples import sample, samples

_FOLDER = "conformance/recorded_"


@cache
def recorded() -> Mapping[str, Report]:
    """What real kernels answered when heapkit was made, by the name of the kernel."""
    names = (name for name in samples() if name.startswith(_FOLDER))
    return {
        name.removeprefix(_FOLDER).removesuffix(".json").replace("_", " "): Report.read(
            sample(name)
        )
        for name in names
    }


def markdown(reports: Mapping[str, Report], heaps: tuple[str, ...]) -> str:
    """A line for each check; a column for each report that has a heap of that kind."""
    columns = {
        f"{kind}, {name}": rows
        for kind in heaps
        for name, report in reports.items()
        if (rows := _rows_of(report, kind))
    }
    checks = dict.fromkeys(check for rows in columns.values() for check in rows)
    lines = [("check", *columns), ("---",) * (len(columns) + 1)]
    lines += [
        (f"`{check}`", *(_cell(rows.get(check)) for rows in columns.values()))
        for check in checks
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _rows_of(report: Report, kind: str) -> dict[str, Row]:
    """The rows of the report's first heap of that kind, by check."""
    first = next((row.heap for row in report if row.kind == kind), None)
    return {row.check: row for row in report if row.heap == first}


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    return row.answer.replace("|", "\\|") or f"*{row.verdict}*"
