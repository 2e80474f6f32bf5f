# SPDX-License-Identifier: MIT
"""What the modelled steps cost: every constant with unit, value, source, status.

The names are the fields of ``struct hk_costs``. Public measurements are few, so
most values are *assumed*: they set a scale, and a machine's own replace them.
"""

from __future__ import annotations

import html
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from heapkit.arguments import choice, wrong
from heapkit.cost_presets import PRESETS
from heapkit.cost_table import DEFAULTS
from heapkit.errors import UnknownName

MEASURED = "measured here"
# By heapkit.calibrate(), where the machine was too noisy or virtual, or no machine.
DOUBTED = "measured here: not to be trusted"
EMULATED = "measured under emulation: not to be believed"
STATUSES = ("published", "fitted", MEASURED, DOUBTED, EMULATED, "assumed")
DOUBTFUL = (DOUBTED, EMULATED, "assumed")  # set in another type wherever shown


@dataclass(frozen=True, slots=True)
class Cost:
    """One constant. ``status`` is one of :data:`STATUSES`."""

    name: str
    value: float
    unit: str
    source: str
    status: str = "assumed"

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _number(self.name, self.value))
        choice(f"Cost {self.name!r}", "status", self.status, STATUSES)


def _number(name: str, value: object) -> float:
    allowed = "a finite number, 0 or more"
    if name == "line_bytes":
        allowed = "a power of two from 1 to 4096"
    if isinstance(value, bool):
        raise wrong("Costs", name, value, allowed)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise wrong("Costs", name, value, allowed) from None
    if not math.isfinite(number) or number < 0:
        raise wrong("Costs", name, value, allowed)
    if name == "line_bytes" and number not in {2.0**n for n in range(13)}:
        raise wrong("Costs", name, value, allowed)
    return number


NAMES = tuple(row[0] for row in DEFAULTS)


@dataclass(frozen=True)
class Costs(Mapping[str, Cost]):
    """All constants by name, immutable: ``board.costs["clean_line"].value``."""

    items_in_order: tuple[Cost, ...]

    def __post_init__(self) -> None:
        names = tuple(cost.name for cost in self.items_in_order)
        if names != NAMES:
            raise wrong("Costs", "names", names, f"exactly {NAMES}")

    @classmethod
    def default(cls) -> Costs:
        """Published numbers where there are any, assumed ones elsewhere."""
        return _default()

    @classmethod
    def preset(cls, name: str) -> Costs:
        """The default with what was published of one platform.

        ``ValueError`` lists the names.
        """
        if not isinstance(name, str) or name not in cls.presets():
            raise wrong("Costs.preset", "name", name, f"one of {cls.presets()}")
        return _preset(name)

    @classmethod
    def presets(cls) -> tuple[str, ...]:
        """The names :meth:`preset` takes."""
        return ("default", *PRESETS)

    @classmethod
    def from_mapping(
        cls,
        values: Mapping[str, float | Cost],
        *,
        status: str = "assumed",
        source: str = "given by the user",
    ) -> Costs:
        """Every constant, by name: numbers, or :class:`Cost` with its own source.

        ``ValueError``: a name that is missing or unknown, or a number that is
        negative, infinite or NaN; the message has the name.
        """
        if not isinstance(values, Mapping):
            raise wrong("Costs.from_mapping", "values", values, "a mapping")
        for name in NAMES:
            if name not in values:
                raise wrong("Costs", name, "missing", f"a value for each of {NAMES}")
        own = {n: v for n, v in values.items() if isinstance(v, Cost)}
        numbers = {n: v for n, v in values.items() if not isinstance(v, Cost)}
        given = cls.default().replace(status=status, source=source, **numbers)
        for name, cost in own.items():
            if cost.name != name or name not in NAMES:
                raise wrong("Costs", name, cost, f"a Cost of that name, of {NAMES}")
        return cls(tuple(own.get(cost.name, cost) for cost in given.values()))

    def replace(
        self,
        *,
        status: str = "assumed",
        source: str = "given by the user",
        **values: float,
    ) -> Costs:
        """A copy with other ``values``, which get this ``status`` and ``source``.

        ``ValueError``: an unknown name, a negative or non-finite value.
        """
        for name, value in values.items():
            if name not in NAMES:
                raise wrong("Costs", name, value, f"the names {NAMES}")
        return Costs(
            tuple(
                replace(cost, value=values[cost.name], status=status, source=source)
                if cost.name in values
                else cost
                for cost in self.items_in_order
            )
        )

    def __getitem__(self, name: str) -> Cost:
        for cost in self.items_in_order:
            if cost.name == name:
                return cost
        raise UnknownName(f"Costs: {name!r}; allowed: {', '.join(NAMES)}")

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)

    def __repr__(self) -> str:
        values = ", ".join(f"{c.name}={c.value:g}" for c in self.items_in_order)
        return f"Costs({values})"

    def _repr_html_(self) -> str:
        head = _html_cells("th", ("name", "value", "unit", "status", "source"))
        rows = "".join(_html_row(cost) for cost in self.items_in_order)
        return f"<table>{head}{rows}</table>"


def _html_row(cost: Cost) -> str:
    status = cost.status
    if status in DOUBTFUL:
        status = f"<em>{status}</em>"
    cells = (cost.name, f"{cost.value:g}", cost.unit, status, html.escape(cost.source))
    return _html_cells("td", cells)


def _html_cells(tag: str, cells: tuple[str, ...]) -> str:
    # Jupyter aligns every cell to the right, which is for numbers.
    sides = ("left", "right", "left", "left", "left")
    row = "".join(
        f"<{tag} style='text-align:{side}'>{cell}</{tag}>"
        for side, cell in zip(sides, cells, strict=True)
    )
    return f"<tr>{row}</tr>"


@cache
def _default() -> Costs:
    return Costs(tuple(Cost(*row) for row in DEFAULTS))


@cache
def _preset(name: str) -> Costs:
    costs = _default()
    for constant, value, source, status in PRESETS.get(name, ()):
        costs = costs.replace(status=status, source=source, **{constant: value})
    return costs
