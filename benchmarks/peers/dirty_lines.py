# SPDX-License-Identifier: MIT
"""Which cache lines of a buffer the CPU wrote and the memory does not have yet."""

from __future__ import annotations


class DirtyLines:
    """Spans in any order, no two of which meet."""

    def __init__(self, lines: int) -> None:
        self.spans = [(0, lines)]

    def take(self, first: int, end: int) -> int:
        """They are clean from now on; how many of them were dirty."""
        taken, kept = 0, []
        for start, stop in self.spans:
            low, high = max(start, first), min(stop, end)
            if low >= high:
                kept.append((start, stop))
                continue
            taken += high - low
            kept += [(a, b) for a, b in ((start, low), (high, stop)) if a < b]
        self.spans = kept
        return taken
