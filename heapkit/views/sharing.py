# SPDX-License-Identifier: MIT
"""What each policy of sharing costs, part by part, and where data goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import LegendItem
from bokeh.plotting import figure
from numpy.typing import NDArray

from heapkit.views import theme
from heapkit.views.breakdown import LEGEND_COLUMNS, bars
from heapkit.views.stack import made_of, stacked


def sharing_columns(
    policies: Sequence[str],
    parts: Mapping[str, NDArray[np.float64]],
    *,
    passes: NDArray[np.integer[Any]],
    wrong: NDArray[np.integer[Any]],
    warnings: NDArray[np.integer[Any]],
) -> dict[str, Any]:
    """A row per policy: its parts stacked, its passes, and what was found.

    Where data goes wrong the name says so: a cheap bar may be a broken one.
    """
    labels = [
        f"{policy} ({count} wrong)" if count else policy
        for policy, count in zip(policies, wrong.tolist(), strict=True)
    ]
    return {
        "policy": labels,
        "passes": theme.f32(passes),
        "wrong": theme.f32(wrong),
        "warnings": theme.f32(warnings),
        "made": made_of(parts, len(labels)),
    } | stacked(parts, len(labels))


def sharing_view(columns: theme.Columns, parts: Sequence[str]) -> figure:
    """Draw :func:`sharing_columns` as a stacked bar for each policy."""
    fig = bars(
        columns,
        parts,
        name="hk_sharing",
        label="policy",
        title="What each policy costs",
        tips=[
            ("policy", "@policy"),
            ("passes", "@passes{0}"),
            ("wrong data, warnings", "@wrong{0}, @warnings{0}"),
        ],
    )
    legend = theme.legend_above(fig)
    legend.ncols = min(LEGEND_COLUMNS, max(1, len(parts)))
    legend.items = [
        LegendItem(label=part, renderers=[renderer])
        for part, renderer in zip(parts, fig.renderers, strict=True)
    ]
    return fig
