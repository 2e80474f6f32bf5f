# SPDX-License-Identifier: MIT
"""A report in the Test Anything Protocol, as the kernel's selftests have it.

https://testanything.org/tap-version-13-specification.html, which prove(1) reads: what
a "not ok" is about stands below it between "---" and "...". Each heap is a subtest of
version 14, indented by four spaces and followed by a test point of its own; a reader
of version 13 takes that point and leaves the indented lines out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from heapkit.conformance.report import Report, Row

_INDENT: Final = "    "


def document(report: Report) -> str:
    """The whole document, a subtest for each heap."""
    heaps = report.heaps
    lines = ["TAP version 13", f"# {report.platform}", f"1..{len(heaps)}"]
    for number, heap in enumerate(heaps, 1):
        lines += [f"# Subtest: {_plain(heap)}", *_subtest(report.of(heap))]
        counts = report.counts(heap)
        lines.append(f"{_word(not counts['not ok'])} {number} - {_plain(heap)}")
        told = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
        lines.append(f"# {_plain(heap)}: {told}")
    return "\n".join(lines) + "\n"


def _subtest(rows: tuple[Row, ...]) -> Iterator[str]:
    yield f"{_INDENT}1..{len(rows)}"
    for number, row in enumerate(rows, 1):
        for line in _point(number, row):
            yield f"{_INDENT}{line}"


def _point(number: int, row: Row) -> Iterator[str]:
    line = f"{_word(row.verdict != 'not ok')} {number} - {_plain(row.check)}: "
    line += _plain(row.title)
    if row.verdict == "skip":
        line += f" # SKIP {_plain(row.reason)}"
    if row.verdict == "not carried":
        line += f" # SKIP not carried by the simulation: {_plain(row.reason)}"
    yield line
    if row.verdict == "not ok":
        yield from _diagnosis(row)


def _diagnosis(row: Row) -> Iterator[str]:
    """A YAML block; JSON's strings are YAML's, too."""
    yield "  ---"
    facts = {
        "did": row.did,
        "expected": " or ".join(row.expected),
        "answer": row.answer,
        "source": row.source,
        **({"reason": row.reason} if row.reason else {}),
    }
    for name, text in facts.items():
        yield f"  {name}: {json.dumps(text, ensure_ascii=False)}"
    yield "  ..."


def _word(ok: bool) -> str:  # noqa: FBT001
    return "ok" if ok else "not ok"


def _plain(text: str) -> str:
    """One line in which no "#" begins a directive."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("#", "\\#")
