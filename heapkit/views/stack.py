# SPDX-License-Identifier: MIT
"""Parts on top of each other: columns and the edges that a glyph takes from them."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit.units import format_ns
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


def made_of(parts: Mapping[str, NDArray[np.float64]], rows: int) -> list[str]:
    """HTML: what each row paid for which part, a line each, the largest first."""
    made = []
    for row in range(rows):
        ns = {name: float(values[row]) for name, values in parts.items()}
        paid = sorted((name for name in ns if ns[name]), key=ns.__getitem__)
        lines = (f"{html.escape(name)} {format_ns(ns[name])}" for name in paid[::-1])
        made.append("<br>".join(lines))
    return made
