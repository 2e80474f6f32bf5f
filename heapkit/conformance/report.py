# SPDX-License-Identifier: MIT
"""What a run of the checks found: a row for each check of each heap."""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from heapkit.conformance import pages, tap
from heapkit.conformance.platform import Platform, version_of
from heapkit.errors import FormatError

if TYPE_CHECKING:
    import pandas as pd

OK, NOT_OK, SKIP, NOT_CARRIED = "ok", "not ok", "skip", "not carried"
VERDICTS: Final = (OK, NOT_OK, SKIP, NOT_CARRIED)
_FORMAT: Final = "heapkit conformance report 1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One check of one heap.

    ``verdict`` is "ok", "not ok", "skip" (it makes no sense here) or "not carried" (the
    simulation has no such thing); ``reason`` says why, also what went wrong.
    ``expected`` are the right answers, ``answer`` is "" where nobody was asked.
    """

    heap: str
    kind: str
    check: str
    title: str
    did: str
    source: str
    expected: tuple[str, ...]
    answer: str
    verdict: str
    reason: str = ""


@dataclass(frozen=True, repr=False)
class Report:
    """Every row, and what stood behind the heaps; shown as a table in a notebook."""

    platform: Platform
    rows: tuple[Row, ...]
    origin: str = ""

    @property
    def heaps(self) -> tuple[str, ...]:
        """The names of the heaps, in the order in which they were asked."""
        return tuple(dict.fromkeys(row.heap for row in self.rows))

    @property
    def failures(self) -> tuple[Row, ...]:
        """The rows that are not ok."""
        return tuple(row for row in self.rows if row.verdict == NOT_OK)

    @property
    def ok(self) -> bool:
        """Whether something was asked, and no row is not ok."""
        return bool(self.counts()[OK]) and not self.failures

    def of(self, heap: str) -> tuple[Row, ...]:
        """The rows of one heap."""
        return tuple(row for row in self.rows if row.heap == heap)

    def counts(self, heap: str | None = None) -> dict[str, int]:
        """How many rows have each verdict, of all heaps or of one."""
        rows = self.rows if heap is None else self.of(heap)
        counted = Counter(row.verdict for row in rows)
        return {verdict: counted[verdict] for verdict in VERDICTS}

    def tap(self) -> str:
        """The Test Anything Protocol, version 13, with a subtest for each heap."""
        return tap.document(self)

    def to_frame(self) -> pd.DataFrame:
        """The table, a row per check and heap; several right answers as one text."""
        import pandas as pd

        rows = [dataclasses.asdict(row) for row in self.rows]
        for row in rows:
            row["expected"] = " or ".join(row["expected"])
        columns = [field.name for field in dataclasses.fields(Row)]
        return pd.DataFrame(rows, columns=columns)

    def to_json(self) -> str:
        """The report as text that :meth:`read` understands."""
        platform = self.platform
        told = {
            "format": _FORMAT,
            "origin": self.origin,
            "platform": {
                "backend": platform.backend,
                "kernel": platform.kernel,
                "features": dict(platform.features),
            },
            "rows": [dataclasses.asdict(row) for row in self.rows],
        }
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n"

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write :meth:`to_json` to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Report:
        """A report that was written; :class:`heapkit.FormatError` for anything else."""
        try:
            told = json.loads(Path(path).read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise FormatError(f"is no JSON: {error}", path=path) from None
        if not isinstance(told, dict) or told.get("format") != _FORMAT:
            raise FormatError(f"is no {_FORMAT!r}", path=path)
        rows = told.get("rows")
        if not isinstance(rows, list):
            raise FormatError("has no rows", path=path)
        platform = _platform(told.get("platform"), path)
        found = tuple(_row(row, path) for row in rows)
        return cls(platform, found, str(told.get("origin", "")))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        told = ", ".join(f"{n} {verdict}" for verdict, n in self.counts().items() if n)
        heaps = ", ".join(self.heaps) or "no heap"
        return f"<Report of {heaps} on {self.platform}: {told or 'nothing asked'}>"

    def __str__(self) -> str:
        return pages.report_text(self)

    def _repr_html_(self) -> str:
        return pages.report_html(self)


def _platform(told: Any, path: object) -> Platform:
    if not isinstance(told, Mapping):
        raise FormatError("has no platform", path=path)
    features = told.get("features", {})
    try:
        version_of(told.get("kernel", ""))
        return Platform(
            backend=_text(told.get("backend")),
            kernel=told["kernel"],
            features={_text(name): _truth(on) for name, on in features.items()},
        )
    except (ValueError, AttributeError) as error:
        raise FormatError(
            f"its platform is none: {error}", path=path, text=str(told)
        ) from None


def _row(told: Any, path: object) -> Row:
    names = [field.name for field in dataclasses.fields(Row)]
    if not isinstance(told, Mapping) or sorted(told) != sorted(names):
        raise FormatError("a row is none", path=path, text=str(told))
    answers = told["expected"]
    texts = [told[name] for name in names if name != "expected"]
    if (
        not _are_texts(texts)
        or not isinstance(answers, list)
        or not _are_texts(answers)
    ):
        raise FormatError("a row has texts only", path=path, text=str(told))
    if told["verdict"] not in VERDICTS:
        raise FormatError("a row has no verdict", path=path, text=str(told))
    return Row(**{**told, "expected": tuple(answers)})


def _are_texts(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is no text")
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not true or false")
    return value
