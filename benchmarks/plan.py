# SPDX-License-Identifier: MIT
"""How much is measured: the whole, or a quick part of it for tests."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.traces import KINDS, Kind


@dataclass(frozen=True)
class Plan:
    """``only``: words separated by commas, one of which a name has to have.

    ``trace`` is the name of a single one; empty: all.
    """

    rounds: int = 5
    quick: bool = False
    only: str = ""
    trace: str = ""

    def part_of(self, events: int) -> int:
        """The events of a trace that are replayed."""
        return events // 200 if self.quick else events

    @property
    def window_ms(self) -> int:
        """CPU time that a slow peer gets in each round."""
        return 250

    @property
    def window_events(self) -> int:
        """A slow peer's events; 0: what it can do in its time."""
        return 512 if self.quick else 0

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The traces that are replayed."""
        return tuple(kind for kind in KINDS if self.trace in ("", kind.name))

    def wants(self, *names: str) -> bool:
        """Whether one of ``names`` is asked for."""
        words = [word for word in self.only.split(",") if word]
        return not words or any(word in name for word in words for name in names)
