# SPDX-License-Identifier: MIT
"""A measured quantity with the value of each round."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """``name`` on ``case`` (a trace, a size), a value per round; none: see ``note``."""

    name: str
    case: str
    unit: str
    rounds: tuple[float, ...]
    note: str = ""

    @property
    def median(self) -> float:
        """Of the rounds; not a number without any."""
        return statistics.median(self.rounds) if self.rounds else float("nan")

    @property
    def spread(self) -> float:
        """From the least to the greatest round, as a share of the median."""
        if not self.rounds or not self.median:
            return 0.0
        return (max(self.rounds) - min(self.rounds)) / self.median


def ratio(
    name: str, case: str, over: Sequence[float], under: Sequence[float], note: str = ""
) -> Figure:
    """``over`` by ``under``, round by round: a slow spell hits both of a round."""
    rounds = tuple(a / b for a, b in zip(over, under, strict=True))
    return Figure(name, case, "x", rounds, note)
