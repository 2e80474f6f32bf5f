# SPDX-License-Identifier: MIT
"""What a frame pays for cache maintenance, part by part."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bokeh.models import ColumnDataSource, FixedTicker, Range1d
from bokeh.plotting import figure
from numpy.typing import ArrayLike

from heapkit.costs import DOUBTFUL
from heapkit.views import theme
from heapkit.views.stack import edges, stacked
from heapkit.views.ticks import hover_format

PART_COLOURS = (
    *(theme.PURPLE, theme.ORANGE, theme.VERMILION, theme.BLUE),
    *(theme.SKY, theme.YELLOW, theme.GREEN),
)
LEGEND_COLUMNS = 4


def sync_columns(
    devices: Sequence[int], parts: Mapping[str, ArrayLike]
) -> dict[str, Any]:
    """Nanoseconds a frame per part, and their running sums ``top_<i>``.

    ``parts`` maps a part's name to one value per entry of ``devices``; the
    column of part ``i`` is ``part_<i>``.
    """
    return {"devices": theme.f32(devices)} | stacked(parts, len(devices))


def sync_cost(
    columns: theme.Columns | ColumnDataSource,
    parts: Sequence[str],
    *,
    most: int,
    top: float,
    height: int = 340,
) -> figure:
    """Draw :func:`sync_columns` as stacked bars over 0 … ``most`` devices."""
    source = theme.as_source(columns, "hk_sync")
    fig = theme.chart(
        "hk_sync_figure",
        title="Cost of a frame",
        height=height,
        x=("attached devices", "count", Range1d(-0.6, most + 0.6, name="hk_sync_x")),
        y=("per frame", "ns", Range1d(0, theme.headroom(top), name="hk_sync_y")),
        tools="xpan,xbox_zoom,reset,save",
    )
    fig.xaxis[0].ticker = FixedTicker(ticks=list(range(most + 1)))
    fig.xgrid.visible = False
    theme.legend_above(fig).ncols = LEGEND_COLUMNS
    bars = _part_bars(fig, source, parts)
    tips = [(part, f"@part_{i}{{custom}}") for i, part in enumerate(parts)]
    fields = ["total", *(f"part_{i}" for i in range(len(parts)))]
    theme.hover(
        fig,
        [("attached", "@devices{0}"), *tips, ("total", "@total{custom}")],
        mode="vline",
        renderers=bars[-1:],
        formatters={f"@{field}": hover_format("ns") for field in fields},
    )
    return fig


def _part_bars(
    fig: figure, source: ColumnDataSource, parts: Sequence[str]
) -> list[Any]:
    """One layer of bars for each part, each on top of the one before."""
    return [
        fig.vbar(
            "devices",
            bottom=edges(i)[0],
            top=edges(i)[1],
            width=0.7,
            source=source,
            fill_color=PART_COLOURS[i % len(PART_COLOURS)],
            line_color=None,
            legend_label=part,
            name=f"hk_sync_part_{i}",
        )
        for i, part in enumerate(parts)
    ]


def _mark(status: str) -> str:
    return "assumed" if status in DOUBTFUL else html.escape(status.split(maxsplit=1)[0])


def cost_table(costs: Iterable[Any]) -> str:
    """HTML: each constant with its value, unit, status and source.

    ``costs`` have name, value, unit, status and source. What nobody measured
    says *assumed*, and is marked, as is what was measured and is not to be trusted.
    """
    rows = "".join(
        f"<tr><td><code>{html.escape(cost.name)}</code></td>"
        f"<td class='hk-number'>{cost.value:g}</td>"
        f"<td>{html.escape(cost.unit)}</td>"
        f"<td class='hk-{_mark(cost.status)}'>"
        f"{html.escape(cost.status)}</td>"
        f"<td>{html.escape(cost.source)}</td></tr>"
        for cost in costs
    )
    head = "".join(
        f"<th>{h}</th>" for h in ("constant", "value", "", "status", "source")
    )
    return f"<table class='hk-table'><tr>{head}</tr>{rows}</table>"
