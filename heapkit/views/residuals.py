# SPDX-License-Identifier: MIT
"""How far a model is from what was published, a point a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import Column, ColumnDataSource, Range1d
from bokeh.plotting import figure
from numpy.typing import ArrayLike

from heapkit.views import theme

KINDS = ("prediction", "fit", "given")
KIND_COLOURS = dict(zip(KINDS, (theme.BLUE, theme.ORANGE, theme.INK), strict=True))
# A half and twice what was published.
MARKS = {"match": 1.0, "half": 0.5, "twice": 2.0}
_ROW, _HEAD, _AXIS = 8, 44, 40  # pixels


def residual_columns(
    published: ArrayLike,
    model: ArrayLike,
    kinds: Sequence[str],
    groups: Sequence[str],
    names: Sequence[str],
) -> dict[str, Any]:
    """One row a figure: ``ratio`` is model over published.

    Figures of which one or the other is 0 have no ratio and are left out.
    """
    there = np.asarray(published, np.float64)
    here = np.asarray(model, np.float64)
    alike = (there != 0) & (here / np.where(there, there, 1) > 0)
    kept: list[int] = np.flatnonzero(alike).tolist()
    return {
        "ratio": theme.f32(here[kept] / there[kept]),
        "kind": [str(kinds[i]) for i in kept],
        "group": [str(groups[i]) for i in kept],
        "name": [str(names[i]) for i in kept],
    }


def residuals(columns: theme.Columns) -> Column:
    """Draw :func:`residual_columns`: a strip a group, all on one axis."""
    ratio = np.asarray(columns["ratio"])
    shown = [*ratio.tolist(), *MARKS.values()]
    across = Range1d(min(shown) / 1.3, max(shown) * 1.3, name="hk_residuals_x")
    groups = list(dict.fromkeys(columns["group"]))
    strips = [_strip(columns, group, i, across) for i, group in enumerate(groups)]
    if strips:
        theme.legend_above(strips[0])
        strips[-1].xaxis.visible = True
        strips[-1].height += _AXIS
    for index, fig in enumerate(strips):
        _dots(fig, columns, groups[index], index)
    return column(*strips, sizing_mode="stretch_width", name="hk_residuals")


def _strip(columns: theme.Columns, group: str, index: int, across: Range1d) -> figure:
    rows = columns["group"].count(group)
    fig = theme.chart(
        f"hk_residuals_figure_{index}",
        title=group,
        height=_HEAD + _ROW * rows,
        x=("model over published", "percent", across),
        y=("", "", Range1d(rows + 1, 0, name=f"hk_residuals_y_{index}")),
        tools="xpan,xbox_zoom,reset,save",
        x_axis_type="log",
    )
    fig.xaxis.visible = False
    fig.ygrid.visible = False
    for name, at in MARKS.items():
        line = theme.cursor(fig, f"hk_residuals_{name}_{index}", at)
        line.line_color = theme.BLACK if at == 1 else theme.HELD
    return fig


def _dots(fig: figure, columns: theme.Columns, group: str, index: int) -> None:
    mine = [i for i, name in enumerate(columns["group"]) if name == group]
    dots = []
    for kind in KINDS:
        row = [n for n, i in enumerate(mine, 1) if columns["kind"][i] == kind]
        chosen = [mine[n - 1] for n in row]
        part = {
            "ratio": columns["ratio"][chosen],
            "row": theme.f32(row),
            "name": [columns["name"][i] for i in chosen],
        }
        if fig.legend and not chosen:
            # A legend shows the mark of a first row only; this one lies nowhere.
            part = {"ratio": theme.f32([np.nan]), "row": theme.f32([1]), "name": [""]}
        name = f"hk_residuals_{kind}_{index}"
        legend = {"legend_label": kind} if fig.legend else {}
        dots.append(
            fig.scatter(
                "ratio",
                "row",
                size=7,
                source=ColumnDataSource(data=part, name=f"{name}_source"),
                fill_color=KIND_COLOURS[kind],
                line_color="white",
                name=name,
                **legend,
            )
        )
    tips = [("figure", "@name"), ("model over published", "@ratio{0.00}")]
    theme.hover(fig, tips, mode="mouse", renderers=dots)
