# SPDX-License-Identifier: MIT
"""The address strip: who holds which part of a heap, and where the holes are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from bokeh.models import ColumnDataSource, CustomJSHover, LinearColorMapper, Range1d
from bokeh.plotting import figure

from heapkit.snapshot import State
from heapkit.units import KiB, MiB, format_bytes
from heapkit.views import theme

HOLE, LARGEST_HOLE, MANY, POOLED, DEFERRED, UNKNOWN, LEAKED = range(7)
FIRST_OWNER = 7
FIRST_SIZE = FIRST_OWNER + len(theme.OWNERS)
PALETTE = (
    theme.FREE,
    "#FFF3B0",  # the largest hole: pale yellow
    "#B0BEC5",  # more regions than pixels
    "#A5D6A7",  # in a pool
    "#D7CCC8",  # freed, not yet returned
    "#FFFFFF",  # not reported
    "#4E342E",  # leaked: dark brown, what is deferred and never comes
    *theme.OWNERS,
    *theme.SIZES,
)
# A region is dark from its class on: these bounds part allocations that a camera
# or a decoder makes for metadata, parameters, planes and whole frames.
SIZE_CLASSES = (64 * KiB, 256 * KiB, 1 * MiB, 4 * MiB, 16 * MiB)
LARGEST_HOLE_SAID = "pale yellow: longest hole"
NOBODY = -1
# Rectangles that a strip draws at most; a window is about as many pixels wide.
LIMIT = 1500

Owners = Sequence[str] | npt.NDArray[np.integer[Any]]

_STATE_JS = """
return ["free", "free: the longest hole", "many small regions", "pooled",
        "freed, not yet returned", "not reported", "leaked"][value] ?? "in use"
"""
_OWNER_JS = "return value < 0 ? '-' : `buffer ${value}`"
_SIZE_JS = """
const pages = Math.ceil(value / 4096), order = Math.ceil(Math.log2(pages))
const unit = value >= 2**30 ? [2**30, "GiB"] : value >= 2**20 ? [2**20, "MiB"]
           : [1024, "KiB"]
return `${parseFloat((value / unit[0]).toFixed(2))} ${unit[1]}, ` +
       `${pages} pages, order ${order}`
"""
_ADDRESS_JS = """
const at = base + value
return `0x${at.toString(16)}, PFN 0x${Math.floor(at / 4096).toString(16)}`
"""


def owner_codes(owner: Owners) -> npt.NDArray[np.uint8]:
    """Palette indices: buffers by their id, names in order of appearance."""
    if isinstance(owner, np.ndarray):
        ids = owner.astype(np.int64)
    else:
        seen = {name: i for i, name in enumerate(dict.fromkeys(owner))}
        ids = np.array([seen[name] for name in owner], np.int64)
    return (FIRST_OWNER + ids % len(theme.OWNERS)).astype(np.uint8)


def size_codes(size: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Palette indices by :data:`SIZE_CLASSES`."""
    classes = np.searchsorted(SIZE_CLASSES, size, side="right")
    return (FIRST_SIZE + classes).astype(np.uint8)


def longest_hole(
    address: npt.NDArray[Any], size: npt.NDArray[Any], *, base: int, length: int
) -> tuple[int, int]:
    """Start and end, in bytes from ``base``; (0, 0) where there is no hole."""
    order = np.argsort(address, kind="stable")
    left = np.asarray(address)[order].astype(np.int64) - base
    right = left + np.asarray(size)[order].astype(np.int64)
    start, end = np.append(0, right), np.append(left, length)
    widest = int((end - start).argmax())
    return (
        (int(start[widest]), int(end[widest]))
        if end[widest] > start[widest]
        else (0, 0)
    )


def strip_columns(
    address: npt.NDArray[Any],
    size: npt.NDArray[Any],
    code: npt.NDArray[np.uint8],
    owner: Owners,
    *,
    base: int,
    length: int,
    limit: int = LIMIT,
) -> dict[str, Any]:
    """Regions and the holes between them, by address.

    ``address`` and ``size`` are bytes; ``code`` indexes :data:`PALETTE`. Returns
    left, right and size (bytes from ``base``), code and owner. More than
    ``limit`` rows are reduced: neighbours narrower than a ``limit``-th of the
    heap become one row of code :data:`MANY`.
    """
    order = np.argsort(address, kind="stable")
    left = np.asarray(address)[order].astype(np.int64) - base
    right = left + np.asarray(size)[order].astype(np.int64)
    edges_left = np.concatenate(([0], right))
    edges_right = np.concatenate((left, [length]))
    holes = np.flatnonzero(edges_right > edges_left)
    names, nobody = _owner_array(owner)
    all_left = np.concatenate((left, edges_left[holes]))
    all_right = np.concatenate((right, edges_right[holes]))
    all_code = np.concatenate((code[order], np.full(len(holes), HOLE, np.uint8)))
    all_owner = np.concatenate((names[order], np.full(len(holes), nobody)))
    if len(holes):
        widths = edges_right[holes] - edges_left[holes]
        all_code[len(left) + int(widths.argmax())] = LARGEST_HOLE
    by_address = np.argsort(all_left, kind="stable")
    table = [c[by_address] for c in (all_left, all_right, all_code, all_owner)]
    if len(table[0]) > limit:
        table = _merge_narrow(table, max(1, length // limit), nobody)
    return _as_columns(*table)


def snapshot_codes(states: Sequence[State], owner: Owners) -> npt.NDArray[np.uint8]:
    """Owner colours where a region is used; the state's colour elsewhere."""
    special = {
        State.POOL: POOLED,
        State.DEFERRED: DEFERRED,
        State.LEAKED: LEAKED,
    }
    codes = owner_codes(owner)
    for i, state in enumerate(states):
        codes[i] = special.get(state, codes[i])
    return codes


def count_holes(
    address: npt.NDArray[Any], size: npt.NDArray[Any], *, base: int, length: int
) -> int:
    """The free runs between regions that do not overlap."""
    order = np.argsort(address, kind="stable")
    left = np.asarray(address)[order].astype(np.int64) - base
    right = left + np.asarray(size)[order].astype(np.int64)
    before, after = np.append(0, right), np.append(left, length)
    return int(np.count_nonzero(after > before))


def _owner_array(owner: Owners) -> tuple[npt.NDArray[Any], Any]:
    if isinstance(owner, np.ndarray):
        return owner.astype(np.int32), np.int32(NOBODY)
    return np.array(list(owner), dtype=object), "-"


def _merge_narrow(
    table: list[npt.NDArray[Any]], cell: int, nobody: Any
) -> list[npt.NDArray[Any]]:
    left, right, code, owner = table
    narrow = right - left < cell
    # A wide row is a group of its own; narrow ones share a group per cell.
    breaks = ~narrow | ~np.roll(narrow, 1) | (left // cell != np.roll(left, 1) // cell)
    breaks[0] = True
    first = np.flatnonzero(breaks)
    count = np.diff(np.append(first, len(left)))
    code = np.where(count > 1, MANY, code[first]).astype(np.uint8)
    merged_owner = owner[first].copy()
    merged_owner[count > 1] = nobody
    return [left[first], right[first + count - 1], code, merged_owner]


def _as_columns(
    left: npt.NDArray[Any],
    right: npt.NDArray[Any],
    code: npt.NDArray[Any],
    owner: npt.NDArray[Any],
) -> dict[str, Any]:
    return {
        "left": theme.f32(left),
        "right": theme.f32(right),
        "size": theme.f32(right - left),
        "code": code.astype(np.uint8),
        "owner": owner.tolist() if owner.dtype == object else owner,
    }


def code_mapper() -> LinearColorMapper:
    """From codes to the colours of :data:`PALETTE`."""
    colours = list(PALETTE)
    return LinearColorMapper(palette=colours, low=-0.5, high=len(colours) - 0.5)


def strip(
    columns: theme.Columns | ColumnDataSource,
    *,
    heap: str,
    base: int,
    length: int,
    title: str = "",
    height: int = 120,
) -> figure:
    """Draw :func:`strip_columns` of the heap at ``base``, ``length`` bytes long.

    The title goes on to say what pale yellow is.
    """
    source = theme.as_source(columns, "hk_strip")
    title = title or f"{heap}: {format_bytes(length)} at {base:#x}"
    fig = theme.chart(
        "hk_strip_figure",
        title=f"{title} ({LARGEST_HOLE_SAID})",
        height=height,
        x=(f"offset in {heap}", "bytes", Range1d(0, length, name="hk_strip_x")),
        y=("", "", Range1d(0, 1)),
        tools="xpan,xbox_zoom,xwheel_zoom,xbox_select,tap,reset,save",
    )
    fig.ygrid.visible = False
    fig.quad(
        left="left",
        right="right",
        bottom=0,
        top=1,
        source=source,
        fill_color={"field": "code", "transform": code_mapper()},
        line_color=None,  # the outline of a sliver would hide it
        nonselection_fill_alpha=0.35,
        name="hk_strip_regions",
    )
    _strip_hover(fig, source, base)
    return fig


def _strip_hover(fig: figure, source: ColumnDataSource, base: int) -> None:
    formats: dict[str, Any] = {
        "@code": CustomJSHover(code=_STATE_JS),
        "@size": CustomJSHover(code=_SIZE_JS),
        "@left": CustomJSHover(
            code=_ADDRESS_JS, args={"base": base}, name="hk_strip_address"
        ),
    }
    owner = "@owner"
    if not isinstance(source.data["owner"], list):
        owner, formats["@owner"] = "@owner{custom}", CustomJSHover(code=_OWNER_JS)
    theme.hover(
        fig,
        [
            ("", "@code{custom}"),
            ("owner", owner),
            ("size", "@size{custom}"),
            ("address", "@left{custom}"),
        ],
        mode="mouse",
        attachment="vertical",
        formatters=formats,
    )


def selection_text(columns: theme.Columns, indices: Sequence[int]) -> str:
    """What a selection of strip rows holds; "" when nothing is selected."""
    if not len(indices):
        return ""
    rows = np.asarray(sorted(set(indices)))
    size = np.asarray(columns["size"], np.float64)[rows]
    free = np.asarray(columns["code"])[rows] <= LARGEST_HOLE
    used, holes = size[~free], size[free]
    text = f"selected: {len(used)} regions, {format_bytes(int(used.sum()))} in use"
    if len(used):
        low, mean, high = (
            format_bytes(int(v)) for v in (used.min(), used.mean(), used.max())
        )
        text += f" (min {low}, mean {mean}, max {high})"
    return text + f"; {len(holes)} holes, {format_bytes(int(holes.sum()))}"
