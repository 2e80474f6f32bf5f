# SPDX-License-Identifier: MIT
"""From data to pixels and back to round numbers, for a picture without a browser."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from heapkit.views.ticks import UNITS


@dataclass(frozen=True)
class Scale:
    """Maps ``start … end`` to the pixels ``low … high``, linearly or by logarithm."""

    start: float
    end: float
    low: float
    high: float
    log: bool = False
    names: tuple[str, ...] = ()

    @classmethod
    def of_names(cls, names: list[str], low: float, high: float) -> Scale:
        """One equal step per name."""
        return cls(0, max(1, len(names)), low, high, names=tuple(names))

    @property
    def step(self) -> float:
        """Pixels per name."""
        return abs(self.high - self.low) / (self.end - self.start)

    def __call__(self, value: Any) -> Any:
        """Pixels of a value, an array of them, or a name."""
        if self.names and isinstance(value, str):
            value = self.names.index(value) + 0.5
        values = np.asarray(value, np.float64)
        start, end = self.start, self.end
        if self.log:
            values = np.log(np.maximum(values, 1e-300))
            start, end = math.log(start), math.log(end)
        return self.low + (values - start) / (end - start) * (self.high - self.low)

    def ticks(self, unit: str, count: int) -> list[float]:
        """About ``count`` round values within the range."""
        if self.log:
            first, last = math.ceil(math.log10(self.start)), math.log10(self.end)
            return [10.0**e for e in range(first, math.floor(last) + 1)]
        written = UNITS[unit]
        wanted = max((self.end - self.start) / count, written.smallest, 1e-12)
        power = float(written.base) ** math.floor(math.log(wanted, written.base))
        choices = [power * m for m in (*written.steps, written.base)]
        gap = next((c for c in choices if c >= wanted * 0.999), choices[-1])
        first = math.ceil(self.start / gap)
        return [gap * i for i in range(first, math.floor(self.end / gap) + 1)]

    @staticmethod
    def text(value: float, unit: str) -> str:
        """The value as the axis writes it."""
        return UNITS[unit].text(value)
