# SPDX-License-Identifier: MIT
"""What a validation found: one row a figure, the residual in plain view.

Whether a row is a fit or a prediction is not said by hand. A row names its
figures and the fits it rests on; where the two meet, it is a fit.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapkit.units import format_bytes, format_ns
from heapkit.validation.fit import Fit

if TYPE_CHECKING:
    import pandas as pd

# MiB from the start of an area; below 0 where there is no room.
PLACE = "place"
HEAD = ("target", "published", "model", "residual", "kind", "fitted on", "aim")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One published figure and what the model says of it.

    ``within`` is the aim: the largest residual, as a share, that meets it;
    ``between`` the least and the largest value of ``model`` that do; None and
    None: there is no aim. ``given``: the figure went into the trace or the board,
    so that the row shows a set-up. ``detail`` rows are counted and plotted, and
    listed apart from the targets.
    """

    target: str
    what: str
    unit: str
    published: float
    model: float
    figures: tuple[str, ...]
    fits: tuple[Fit, ...] = ()
    given: bool = False
    assumed: tuple[str, ...] = ()
    within: float | None = None
    between: tuple[float, float] | None = None
    detail: bool = False
    note: str = ""

    @property
    def kind(self) -> str:
        """A "fit" if a fit that it rests on used any of its figures; or "given"."""
        if self.given:
            return "given"
        used = {figure for found in self.fits for figure in found.on}
        return "fit" if used & set(self.figures) else "prediction"

    @property
    def residual(self) -> float:
        """Model less published, as a share of it; the difference where that is one."""
        if self.unit in {"change", PLACE}:
            return self.model - self.published
        return (self.model - self.published) / abs(self.published)

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        if self.within is not None:
            return abs(self.residual) <= self.within
        if self.between is not None:
            return self.between[0] <= self.model <= self.between[1]
        return None

    @property
    def verdict(self) -> str:
        """The aim and whether it is met, in words."""
        if self.met is None:
            return "no aim"
        return f"{'met' if self.met else 'MISSED'}: {self._aim()}"

    def _aim(self) -> str:
        if self.within is not None:
            return "exact" if self.within == 0 else f"within {self.within:.0%}"
        assert self.between is not None
        low, high = (shown(value, self.unit) for value in self.between)
        return f"more than {low}" if math.isinf(self.between[1]) else f"{low} to {high}"

    def _residual(self) -> str:
        if self.unit == PLACE:
            return f"{self.residual:+.0f} MiB"
        return f"{self.residual:+.1%}" + (" points" if self.unit == "change" else "")

    @property
    def fitted_on(self) -> str:
        """Which constants were fitted on what; "nothing" where none was."""
        names: dict[str, list[str]] = {}
        for found in self.fits:
            names.setdefault(found.how, []).append(found.constant)
        if self.assumed:
            names["assumed"] = list(self.assumed)
        told = [f"{', '.join(same)}: {how}" for how, same in names.items()]
        return "; ".join(told) or "nothing"

    def cells(self) -> tuple[str, ...]:
        """The texts of one line of a table, in the order of :data:`HEAD`."""
        return (
            f"{self.target}: {self.what}",
            shown(self.published, self.unit),
            shown(self.model, self.unit),
            self._residual(),
            self.kind,
            self.fitted_on,
            self.verdict,
        )


def shown(value: float, unit: str) -> str:
    """A value with its unit, as people write it."""
    if unit == "ns":
        return format_ns(value)
    if unit == "bytes":
        return format_bytes(round(value))
    if unit == PLACE:
        return "refused" if value < 0 else f"at {value:.0f} MiB"
    if unit == "change":
        return f"{value:+.1%}"
    return f"{value:.4g} {unit}".strip()


@dataclass(frozen=True)
class Validation:
    """All rows and all fits; shown as a table."""

    rows: tuple[Row, ...]

    @property
    def targets(self) -> tuple[Row, ...]:
        """The rows that are no detail of another."""
        return tuple(row for row in self.rows if not row.detail)

    @property
    def aims(self) -> tuple[Row, ...]:
        """The targets that are predictions and have an aim: a fit meets its own."""
        found = (row for row in self.targets if row.kind == "prediction")
        return tuple(row for row in found if row.met is not None)

    @property
    def missed(self) -> tuple[Row, ...]:
        """The aims that are not met."""
        return tuple(row for row in self.aims if not row.met)

    @property
    def fits(self) -> tuple[Fit, ...]:
        """Every fit that a row rests on, once."""
        return tuple(dict.fromkeys(f for row in self.rows for f in row.fits))

    def to_frame(self) -> pd.DataFrame:
        """One line a row; ``residual`` is a share, ``met`` None without an aim."""
        import pandas as pd

        names = ("target", "what", "unit", "published", "model", "residual", "kind")
        more = ("fitted_on", "met", "verdict", "detail", "note")
        return pd.DataFrame(
            [{name: getattr(r, name) for name in (*names, *more)} for r in self.rows]
        )

    def to_markdown(self, *, detail: bool = False) -> str:
        """The targets, or with ``detail`` what they are made of, as a table."""
        rows = [row for row in self.rows if row.detail == detail]
        return markdown_table(HEAD, [row.cells() for row in rows], right={1, 2, 3})

    def __repr__(self) -> str:
        met = len(self.aims) - len(self.missed)
        return (
            f"<Validation: {len(self.rows)} lines, {met} of {len(self.aims)} aims met, "
            f"{sum(row.kind == 'prediction' for row in self.rows)} predictions>"
        )

    def _repr_html_(self) -> str:
        head = "".join(
            f"<th style='text-align:{side}'>{name}</th>"
            for side, name in zip(_SIDES, HEAD, strict=True)
        )
        body = "".join(_html_line(row) for row in self.targets)
        return f"<table><tr>{head}</tr>{body}</table>"


# Jupyter aligns every cell to the right, which is for numbers.
_SIDES = ("left", "right", "right", "right", "left", "left", "left")


def _html_line(row: Row) -> str:
    cells = "".join(
        f"<td style='text-align:{side}'>{html.escape(cell)}</td>"
        for side, cell in zip(_SIDES, row.cells(), strict=True)
    )
    return f"<tr>{cells}</tr>"


def markdown_table(
    head: Sequence[str],
    lines: Sequence[Sequence[str]],
    *,
    right: set[int] | None = None,
) -> str:
    """A table in Markdown; the columns in ``right`` are numbers."""
    marks = ["--:" if i in (right or set()) else "---" for i in range(len(head))]
    rows = [head, marks, *lines]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"
        for row in rows
    )
