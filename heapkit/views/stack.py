# SPDX-License-Identifier: MIT
"""Parts on top of each other: columns and the edges that a glyph takes from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from heapkit.views import theme


def stacked(parts: Mapping[str, ArrayLike], rows: int) -> dict[str, Any]:
    """``part_<i>``, their running sums ``top_<i>``, and ``total``, of ``rows`` rows."""
    columns: dict[str, Any] = {}
    top = theme.f32([0.0] * rows)
    for i, values in enumerate(parts.values()):
        columns[f"part_{i}"] = theme.f32(values)
        top = theme.f32(top + columns[f"part_{i}"])
        columns[f"top_{i}"] = top
    columns["total"] = top
    return columns


def edges(i: int) -> tuple[str | int, str]:
    """Where part ``i`` begins and ends."""
    return f"top_{i - 1}" if i else 0, f"top_{i}"
