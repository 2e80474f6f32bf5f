# SPDX-License-Identifier: MIT
"""Axes that say 64 MiB and 2.5 ms, in the browser and in a static picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bokeh.models import (
    AdaptiveTicker,
    Axis,
    CustomJSHover,
    CustomJSTickFormatter,
    LogTicker,
)

from heapkit.units import format_bytes, format_ns

_BYTES_JS = """
const units = ["B", "KiB", "MiB", "GiB", "TiB"]
let v = VALUE, i = 0
while (Math.abs(v) >= 1024 && i < 4) { v /= 1024; i++ }
return `${parseFloat(v.toFixed(2))} ${units[i]}`
"""
_NS_JS = """
const v = VALUE, a = Math.abs(v)
const [d, u] = a >= 1e9 ? [1e9, "s"] : a >= 1e6 ? [1e6, "ms"]
             : a >= 1e3 ? [1e3, "µs"] : [1, "ns"]
return `${parseFloat((v / d).toPrecision(3))} ${u}`
"""
_COUNT_JS = """
const v = VALUE
if (!Number.isInteger(v)) return ""
return String(v).replace(/\\B(?=(\\d{3})+(?!\\d))/g, "\\u202f")
"""
_PERCENT_JS = "return `${parseFloat((VALUE * 100).toPrecision(4))} %`"


def format_count(value: float) -> str:
    """``100000`` as ``100 000``, with narrow spaces that do not break."""
    return f"{value:,.0f}".replace(",", "\u202f")


def format_percent(value: float) -> str:
    """``0.025`` as ``2.5 %``; four significant digits."""
    return f"{value * 100:.4g} %"


def format_share(value: float) -> str:
    """``0.3438`` as ``34.4 %``: one decimal, so that a column of them lines up."""
    if 0 < value < 0.0005:
        return "< 0.1 %"
    return f"{value * 100:.1f} %"


@dataclass(frozen=True)
class Unit:
    """How a quantity is written. ``base`` and ``steps`` space its ticks."""

    code: str
    text: Callable[[float], str]
    base: int = 10
    steps: tuple[int, ...] = (1, 2, 5)
    smallest: float = 0.0


UNITS = {
    "bytes": Unit(_BYTES_JS, lambda v: format_bytes(int(v)), 2, (1,), 1.0),
    "ns": Unit(_NS_JS, format_ns),
    "count": Unit(_COUNT_JS, format_count, smallest=1.0),
    "percent": Unit(_PERCENT_JS, format_percent),
}


def label_axis(axis: Axis, label: str, unit: str, *, ticks: int) -> None:
    """Write ``label`` on the axis and about ``ticks`` ticks in ``unit``.

    A ``unit`` of "" hides the axis.
    """
    axis.axis_label = label or None
    axis.tags = [unit]
    if not unit:
        axis.visible = False
        return
    written = UNITS[unit]
    axis.formatter = CustomJSTickFormatter(code=written.code.replace("VALUE", "tick"))
    if not isinstance(axis.ticker, LogTicker):
        axis.ticker = AdaptiveTicker(
            base=written.base,
            mantissas=list(written.steps),
            min_interval=written.smallest,
            desired_num_ticks=ticks,
        )


def hover_format(unit: str) -> CustomJSHover:
    """The same text in a tooltip: ``@size{custom}``."""
    return CustomJSHover(code=UNITS[unit].code.replace("VALUE", "value"))
