# SPDX-License-Identifier: MIT
"""A figure of this package as a PNG, drawn without a browser.

For documents in which no kernel and no JavaScript runs. It knows the glyphs that
the views use and takes data, ranges, colours and units from the figure itself,
so that there is one description of each picture.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from bokeh.core.property.vectorization import Field, Value
from bokeh.models import FactorRange, GlyphRenderer, LayoutDOM, LogScale, Plot, Span
from PIL import Image, ImageColor, ImageDraw, ImageFont

from heapkit.views import theme
from heapkit.views.scale import Scale

WIDTH = 800
SHARPNESS = 2  # drawn larger and reduced: Pillow's lines are not smooth
COLOURS = 64  # of the palette; more double the size and are not seen
_LEFT, _RIGHT, _TOP, _BOTTOM = 96, 34, 26, 40
_LINE, _LETTER = 16, 7  # of the legend, and the width of one
# Not in the font that comes with Pillow.
_SPELT = str.maketrans({"\u202f": " ", "µ": "u", "…": "..."})

Box = tuple[int, int, int, int]
Columns = dict[str, Any]


def picture(layout: LayoutDOM, *, width: int = WIDTH) -> bytes:
    """The figures in ``layout``, one under the other, as the bytes of a PNG."""
    plots = list(_plots(layout))
    heights = [int(plot.height) * SHARPNESS for plot in plots]
    size = (width * SHARPNESS, max(1, sum(heights)))
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    top = 0
    for plot, height in zip(plots, heights, strict=True):
        _Panel(draw, plot, (0, top, size[0], top + height)).paint()
        top += height
    small = image.resize((width, max(1, size[1] // SHARPNESS)), Image.Resampling.BOX)
    out = io.BytesIO()
    # Median cut, the default, gives a colour that is seldom seen to its neighbour.
    method = Image.Quantize.FASTOCTREE
    small.quantize(COLOURS, method).save(out, "PNG", optimize=True)
    return out.getvalue()


def _plots(layout: LayoutDOM) -> Iterator[Plot]:
    if isinstance(layout, Plot):
        if layout.visible:
            yield layout
        return
    for child in getattr(layout, "children", ()):
        yield from _plots(child[0] if isinstance(child, tuple) else child)


class _Panel:
    """One plot in one box of the picture."""

    def __init__(self, draw: ImageDraw.ImageDraw, plot: Plot, box: Box) -> None:
        k = SHARPNESS
        self.draw, self.plot, self.outer = draw, plot, box
        title_only = not plot.xaxis[0].visible
        bottom = box[3] - (12 if title_only else _BOTTOM) * k
        self.margin = max(_LEFT, plot.min_border_left or 0)
        self.left, self.right = box[0] + self.margin * k, box[2] - _RIGHT * k
        self.below_title = _LINE * len(self._legend_lines()) * k
        self.top, self.bottom = box[1] + _TOP * k + self.below_title, bottom
        self.font = ImageFont.load_default(11 * k)
        self.x = self._scale(plot.x_range, plot.x_scale, self.left, self.right)
        self.y = self._scale(plot.y_range, plot.y_scale, self.bottom, self.top)

    def paint(self) -> None:
        self._grid()
        for renderer in self.plot.renderers:
            if isinstance(renderer, GlyphRenderer) and renderer.visible:
                name = type(renderer.glyph).__name__
                _PAINTERS[name](self, renderer.glyph, renderer.data_source.data)
        for span in self.plot.center:
            if isinstance(span, Span) and span.visible and span.location is not None:
                across = span.dimension == "width"
                self.line(span.location, across=across, colour=span.line_color)
        self._blank_outside()
        self._frame()

    @staticmethod
    def _scale(shown: Any, scale: Any, low: float, high: float) -> Scale:
        if isinstance(shown, FactorRange):
            return Scale.of_names(list(shown.factors), low, high)
        log = isinstance(scale, LogScale)
        return Scale(float(shown.start), float(shown.end), low, high, log)

    def _grid(self) -> None:
        for axis, scale, across in (
            (self.plot.xaxis[0], self.x, True),
            (self.plot.yaxis[0], self.y, False),
        ):
            if not axis.visible or scale.names:
                continue
            for tick in scale.ticks(*_unit(axis)):
                at = scale(tick)
                line = (at, self.top, at, self.bottom)
                if not across:
                    line = (self.left, at, self.right, at)
                self.draw.line(line, fill="#ECEFF1", width=SHARPNESS)

    def _frame(self) -> None:
        k, ink = SHARPNESS, theme.INK
        edge = (self.left, self.top, self.right, self.bottom)
        self.draw.rectangle(edge, outline="#B0BEC5", width=k)
        title = self.plot.title.text or ""
        at = (self.left, self.top - self.below_title - 6 * k)
        self.draw.text(at, title, fill=ink, font=self.font, anchor="ls")
        if self.below_title:
            self._legend_grid()
        else:
            self._legend()
        x, y = self.plot.xaxis[0], self.plot.yaxis[0]
        if x.visible:
            for value, text in self._labels(x, self.x):
                at = (self.x(value), self.bottom + 6 * k)
                self.draw.text(at, text, fill=ink, font=self.font, anchor="mt")
            middle = ((self.left + self.right) / 2, self.bottom + 22 * k)
            label = x.axis_label or ""
            self.draw.text(middle, label, fill=ink, font=self.font, anchor="mt")
        if y.visible:
            for value, text in self._labels(y, self.y):
                at = (self.left - 6 * k, self.y(value))
                self.draw.text(at, text, fill=ink, font=self.font, anchor="rm")

    def _labels(self, axis: Any, scale: Scale) -> list[tuple[Any, str]]:
        if scale.names:
            most = self.margin // _LETTER + 1
            return [(name, name[:most].translate(_SPELT)) for name in scale.names]
        unit, count = _unit(axis)
        ticks = scale.ticks(unit, count)
        return [(tick, scale.text(tick, unit).translate(_SPELT)) for tick in ticks]

    def _legend_items(self) -> list[Any]:
        items = self.plot.legend[0].items if self.plot.legend else []
        return [item for item in items if item.visible]

    def _legend_lines(self) -> list[list[Any]]:
        """Of a legend with a number of columns; any other is on the title's line."""
        items = self._legend_items()
        across = self.plot.legend[0].ncols if items else None
        if not isinstance(across, int):
            return []
        return [items[i : i + across] for i in range(0, len(items), across)]

    def _legend_grid(self) -> None:
        k, lines = SHARPNESS, self._legend_lines()
        step = (self.right - self.left) / max(map(len, lines))
        for i, line in enumerate(lines):
            base = self.top - (6 + _LINE * (len(lines) - 1 - i)) * k
            for j, item in enumerate(line):
                self._legend_item(item, self.left + step * j + 16 * k, base)

    def _legend(self) -> None:
        k, right = SHARPNESS, float(self.right)
        for item in reversed(self._legend_items()):
            right -= self.draw.textlength(_legend_text(item), font=self.font)
            self._legend_item(item, right, self.top - 6 * k)
            right -= 30 * k

    def _legend_item(self, item: Any, left: float, base: float) -> None:
        k, at = SHARPNESS, (left, base)
        text = _legend_text(item)
        self.draw.text(at, text, fill=theme.INK, font=self.font, anchor="ls")
        swatch = (left - 16 * k, base - 8 * k, left - 5 * k, base + k)
        colour = _colour(item.renderers[0].glyph, {}, 1)[0]
        self.draw.rectangle(swatch, fill=colour)

    def line(self, at: float, *, across: bool, colour: str) -> None:
        """From edge to edge at a value of y, or of x."""
        if across:
            line = (self.left, self.y(at), self.right, self.y(at))
        else:
            line = (self.x(at), self.top, self.x(at), self.bottom)
        self.draw.line(line, fill=colour, width=SHARPNESS)

    def _blank_outside(self) -> None:
        """Pillow has no clipping: what was drawn over the margins goes."""
        x0, y0, x1, y1 = self.outer
        for margin in (
            (x0, y0, x1, self.top),
            (x0, self.bottom, x1, y1),
            (x0, y0, self.left, y1),
            (self.right, y0, x1, y1),
        ):
            self.draw.rectangle(margin, fill="white")

    def boxes(self, left: Any, right: Any, bottom: Any, top: Any, fill: Any) -> None:
        """Rectangles in pixels, each at least a pixel wide."""
        low = np.clip(np.minimum(bottom, top), self.top, self.bottom)
        high = np.clip(np.maximum(bottom, top), self.top, self.bottom)
        start = np.clip(left, self.left, self.right)
        end = np.maximum(np.clip(right, self.left, self.right), start + 1)
        for x0, y0, x1, y1, colour in zip(start, low, end, high, fill, strict=True):
            if y1 > y0:
                self.draw.rectangle((x0, y0, x1, y1), fill=colour)


def _legend_text(item: Any) -> str:
    return str(getattr(item.label, "value", item.label))


def _unit(axis: Any) -> tuple[str, int]:
    return (axis.tags[0] if axis.tags else "count"), 6 if axis.axis_label else 4


def _column(spec: Any, data: Columns, n: int) -> Any:
    """What a glyph's property holds for each of ``n`` rows."""
    if isinstance(spec, Field):
        spec = spec.field
    elif isinstance(spec, Value):
        spec = spec.value
    if isinstance(spec, str) and spec in data:
        column = data[spec]
        return column if isinstance(column, list) else np.asarray(column, np.float64)
    return np.full(n, spec)


def _colour(glyph: Any, data: Columns, n: int) -> list[str]:
    filled = hasattr(glyph, "fill_color")
    spec = glyph.fill_color if filled else glyph.line_color
    alpha = glyph.fill_alpha if filled else glyph.line_alpha
    alpha = alpha if isinstance(alpha, (int, float)) else getattr(alpha, "value", 1.0)
    if isinstance(spec, Field):
        palette = getattr(spec.transform, "palette", None)
        if palette is not None:
            codes = np.asarray(data.get(spec.field, np.zeros(n)), np.int64)
            return [str(palette[code]) for code in codes]
    values = _column(spec, data, n)
    return [_over_white(str(value), float(alpha)) for value in values]


def _over_white(colour: str, alpha: float) -> str:
    rgb = ImageColor.getrgb(colour)[:3]
    mixed = (round(255 - alpha * (255 - channel)) for channel in rgb)
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def _rows(data: Columns) -> int:
    return len(next(iter(data.values()), ()))


def _quad(panel: _Panel, glyph: Any, data: Columns) -> None:
    n = _rows(data)
    left, right, bottom, top = (
        _column(spec, data, n)
        for spec in (glyph.left, glyph.right, glyph.bottom, glyph.top)
    )
    colour = _colour(glyph, data, n)
    panel.boxes(panel.x(left), panel.x(right), panel.y(bottom), panel.y(top), colour)


def _vbar(panel: _Panel, glyph: Any, data: Columns) -> None:
    n = _rows(data)
    x, half = _column(glyph.x, data, n), _column(glyph.width, data, n) / 2
    bottom, top = _column(glyph.bottom, data, n), _column(glyph.top, data, n)
    edges = panel.x(x - half), panel.x(x + half)
    panel.boxes(*edges, panel.y(bottom), panel.y(top), _colour(glyph, data, n))


def _hbar(panel: _Panel, glyph: Any, data: Columns) -> None:
    n = _rows(data)
    middle = np.array([panel.y(name) for name in _column(glyph.y, data, n)])
    half = panel.y.step * float(_column(glyph.height, data, 1)[0]) / 2
    left = panel.x(_column(glyph.left, data, n))
    right = panel.x(_column(glyph.right, data, n))
    edges = left, right, middle - half, middle + half, np.array(_colour(glyph, data, n))
    # A part that is nothing is not a pixel.
    panel.boxes(*(values[left != right] for values in edges))


def _area_step(panel: _Panel, glyph: Any, data: Columns) -> None:
    n = _rows(data)
    x = panel.x(_column(glyph.x, data, n))
    low = panel.y(_column(glyph.y1, data, n))
    high = panel.y(_column(glyph.y2, data, n))
    colour = _colour(glyph, data, 1) * max(0, n - 1)
    panel.boxes(x[:-1], x[1:], low[:-1], high[:-1], colour)


def _area(panel: _Panel, glyph: Any, data: Columns) -> None:
    n = _rows(data)
    x = panel.x(_column(glyph.x, data, n))
    low = panel.y(_column(glyph.y1, data, n))
    high = panel.y(_column(glyph.y2, data, n))
    outline = [*zip(x, low, strict=True), *zip(x[::-1], high[::-1], strict=True)]
    if n > 1:
        panel.draw.polygon(outline, fill=_colour(glyph, data, 1)[0])


def _line(panel: _Panel, glyph: Any, data: Columns) -> None:
    n = _rows(data)
    x, y = panel.x(_column(glyph.x, data, n)), panel.y(_column(glyph.y, data, n))
    if type(glyph).__name__ == "Step":
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    points = list(zip(x, y, strict=True))
    if len(points) > 1:
        colour = _colour(glyph, {}, 1)[0]
        panel.draw.line(points, fill=colour, width=2 * SHARPNESS)


def _scatter(panel: _Panel, glyph: Any, data: Columns) -> None:
    n, r = _rows(data), 3 * SHARPNESS
    x, y = panel.x(_column(glyph.x, data, n)), panel.y(_column(glyph.y, data, n))
    for at_x, at_y, colour in zip(x, y, _colour(glyph, {}, n), strict=True):
        if not np.isfinite(at_x + at_y):
            continue
        panel.draw.ellipse((at_x - r, at_y - r, at_x + r, at_y + r), fill=colour)


def _span(panel: _Panel, glyph: Any, data: Columns) -> None:
    colour = _colour(glyph, {}, 1)[0]
    for at in _column(getattr(glyph, "x", None) or glyph.y, data, _rows(data)):
        panel.line(at, across=type(glyph).__name__ == "HSpan", colour=colour)


def _image(panel: _Panel, glyph: Any, data: Columns) -> None:
    palette = glyph.color_mapper.palette
    for cells, x, y, dw, dh in zip(
        *(data[name] for name in ("image", "x", "y", "dw", "dh")), strict=True
    ):
        rows, columns = cells.shape
        across = panel.x(x + dw * np.arange(columns + 1) / columns)
        upwards = panel.y(y + dh * np.arange(rows + 1) / rows)
        for i, j in np.argwhere(cells):
            low, high = upwards[i + 1], upwards[i]
            box = (across[j], low, across[j + 1], high)
            panel.draw.rectangle(box, fill=palette[cells[i, j]])


_PAINTERS: dict[str, Callable[[_Panel, Any, Columns], None]] = {
    "Image": _image,
    "Quad": _quad,
    "VBar": _vbar,
    "HBar": _hbar,
    "VAreaStep": _area_step,
    "VArea": _area,
    "Step": _line,
    "Line": _line,
    "Scatter": _scatter,
    "HSpan": _span,
    "VSpan": _span,
}
