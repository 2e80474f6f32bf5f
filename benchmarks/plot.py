# SPDX-License-Identifier: MIT
"""Cost against size as a picture: straight lines are logarithmic growth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bokeh.io import save
from bokeh.layouts import column
from bokeh.models import Column, Range1d
from bokeh.plotting import figure as bokeh_figure
from bokeh.resources import INLINE

from benchmarks import sizes
from benchmarks.figures import Figure
from heapkit.views import static, theme

TITLES = {
    sizes.AS_FULL: "As many more buffers as the heap is larger",
    sizes.AS_MANY: "2000 buffers in each heap",
}
GIB_OF_SCALE = 2
HEIGHT = 240


def layout(figures: Sequence[Figure]) -> Column:
    """One chart for each way to fill a heap, over the same axis."""
    lines = {how: _lines(figures, how) for how in TITLES}
    every = [ns for how in lines.values() for _, y in how.values() for ns in y]
    x = Range1d(GIB_OF_SCALE / 1.5, GIB_OF_SCALE * max(sizes.SIZES.values()) * 1.5)
    y = Range1d(0, 1.1 * max(every, default=1))
    charts = [_chart(TITLES[how], lines[how], x, y) for how in TITLES]
    return column(*charts, sizing_mode="stretch_width", name="hk_cost_against_size")


def write(figures: Sequence[Figure], stem: Path) -> list[Path]:
    """As HTML that needs no network, and as a picture."""
    page, picture = stem.with_suffix(".html"), stem.with_suffix(".png")
    drawn = layout(figures)
    save(drawn, page, resources=INLINE, title="heapkit: cost against heap size")
    picture.write_bytes(static.picture(drawn))
    return [page, picture]


def _lines(
    figures: Sequence[Figure], how: str
) -> dict[str, tuple[list[float], list[float]]]:
    lines: dict[str, tuple[list[float], list[float]]] = {}
    for board in sizes.BOARDS:
        found = board.found(figures).get(sizes.TIME)
        if board.how == how and found and found.rounds:
            x, y = lines.setdefault(board.heap, ([], []))
            x.append(board.scale * GIB_OF_SCALE)
            y.append(found.median)
    return lines


def _chart(
    title: str,
    lines: dict[str, tuple[list[float], list[float]]],
    x: Range1d,
    y: Range1d,
) -> bokeh_figure:
    chart = theme.chart(
        f"hk_{title.split(maxsplit=1)[0].lower()}",
        title=f"{title}: ns an event",
        height=HEIGHT,
        x=("GiB", "count", x),
        y=("", "count", y),
        x_axis_type="log",
    )
    chart.add_layout(theme.legend_above(chart), "above")
    for colour, (heap, (at, ns)) in zip(theme.OWNERS, lines.items(), strict=False):
        chart.line(at, ns, color=colour, line_width=2, legend_label=heap)
        chart.scatter(at, ns, color=colour, size=7, legend_label=heap)
    return chart
