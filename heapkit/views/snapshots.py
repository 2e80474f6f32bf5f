# SPDX-License-Identifier: MIT
"""Memory as a tool reported it: who holds which addresses, and which buffers exist."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import (
    Column,
    ColumnDataSource,
    CustomJSTickFormatter,
    DataTable,
    FactorRange,
    Range1d,
    StringFormatter,
    TableColumn,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from heapkit.snapshot import BufferInfo, Observation, Region, Snapshot, State
from heapkit.units import format_bytes
from heapkit.views import theme
from heapkit.views.strip import (
    HOLE,
    PALETTE,
    UNKNOWN,
    owner_codes,
    snapshot_codes,
    strip,
    strip_columns,
)
from heapkit.views.ticks import format_share, hover_format, label_axis

Array = NDArray[Any]
ROW_PX = 25
# Owners with a bar of their own: a screen. A load has hundreds, each a buffer.
MAX_BARS = 24
_UNNAMED = "(no name)"
_LEAKED = "leaked"
_BAR_COLUMNS = ("owner", "bytes", "regions")


def snapshot_columns(snapshot: Snapshot) -> dict[str, Any]:
    """:func:`heapkit.views.strip.strip_columns` of what a snapshot reports."""
    return strip_columns(*not_free(snapshot), base=snapshot.base, length=snapshot.size)


def not_free(snapshot: Snapshot) -> tuple[Array, Array, Array, list[str]]:
    """Address, size, code and owner of what is not free.

    What no region covers is unknown, and drawn so rather than as a hole.
    """
    taken = [r for r in snapshot.regions if r.state is not State.FREE]
    owners = [_owner_of(r) for r in taken]
    codes = snapshot_codes([r.state for r in taken], owners)
    gaps = _gaps(snapshot)
    return (
        np.array([r.address for r in taken] + [start for start, _ in gaps], np.int64),
        np.array([r.size for r in taken] + [size for _, size in gaps], np.int64),
        np.append(codes, np.full(len(gaps), UNKNOWN, np.uint8)),
        owners + ["-"] * len(gaps),
    )


def _owner_of(region: Region) -> str:
    return _LEAKED if region.state is State.LEAKED else region.owner or _UNNAMED


def _gaps(snapshot: Snapshot) -> list[tuple[int, int]]:
    """(address, size) of what no region covers."""
    ends = [snapshot.base, *(r.end for r in snapshot.regions)]
    starts = [*(r.address for r in snapshot.regions), snapshot.base + snapshot.size]
    return [(e, s - e) for e, s in zip(ends, starts, strict=True) if s > e]


def owner_columns(snapshot: Snapshot) -> dict[str, Any]:
    """One row per owner in order of address; then what is free, and not reported."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for region in snapshot.regions:
        if region.state is not State.FREE:
            sizes[_owner_of(region)].append(region.size)
    names = list(sizes)
    codes = [*owner_codes(names).tolist(), HOLE] if names else [HOLE]
    groups = [*sizes.values(), [r.size for r in snapshot.holes]]
    names.append("free")
    unreported = [size for _, size in _gaps(snapshot)]
    if unreported:
        names.append("not reported")
        codes.append(UNKNOWN)
        groups.append(unreported)
    held = [sum(group) for group in groups]
    return {
        "owner": names,
        "code": codes,
        "regions": [len(group) for group in groups],
        "bytes": held,
        "share": [size / snapshot.size for size in held],
        "largest": [max(group, default=0) for group in groups],
    }


def snapshot_view(snapshot: Snapshot) -> Column:
    """The strip of a snapshot over the table of its owners."""
    picture = strip(
        ColumnDataSource(data=snapshot_columns(snapshot), name="hk_snapshot"),
        heap=snapshot.heap,
        base=snapshot.base,
        length=snapshot.size,
        title=f"{snapshot.heap}: {format_bytes(snapshot.used_bytes)} of "
        f"{format_bytes(snapshot.size)} in use at {snapshot.base:#x}",
        height=140,
    )
    owners = owner_columns(snapshot)
    table = _table(
        "hk_owners",
        _written(owners, ("bytes", "largest")),
        [
            ("owner", "owner", 180),
            ("regions", "regions", 70),
            ("bytes_text", "in use", 90),
            ("largest_text", "largest", 90),
            ("share_text", "of the heap", 90),
        ],
    )
    bars = _owner_bars(owners)
    return column(
        picture, bars, table, sizing_mode="stretch_width", name="hk_snapshot_view"
    )


def bar_columns(owners: dict[str, Any], *, most: int = MAX_BARS) -> dict[str, Any]:
    """What the bars show of :func:`owner_columns`: those who hold something.

    Of more than ``most`` owners those who hold most, still in order of address.
    """
    codes = owners["code"]
    rows = [i for i, code in enumerate(codes) if code not in (HOLE, UNKNOWN)]
    largest = sorted(rows, key=lambda i: -owners["bytes"][i])[:most]
    rows = sorted(largest)
    columns = {name: [owners[name][i] for i in rows] for name in _BAR_COLUMNS}
    return columns | {"colour": [PALETTE[codes[i]] for i in rows]}


def _owner_bars(owners: dict[str, Any]) -> figure:
    columns = bar_columns(owners)
    names = columns["owner"]
    all_of_them = sum(code not in (HOLE, UNKNOWN) for code in owners["code"])
    title = "In use by owner"
    if len(names) < all_of_them:
        title += f": the {len(names)} who hold most, of {all_of_them}"
    source = ColumnDataSource(data=columns, name="hk_owner_bars")
    return _bars(source, "hk_owner_bars_figure", "owner", title, names)


def observation_columns(observation: Observation) -> dict[str, Any]:
    """One row per buffer, as listed; what the tool did not say is empty."""
    buffers = observation.buffers
    return {
        "size": [b.size for b in buffers],
        "exp_name": [b.exp_name for b in buffers],
        "name": [b.name or "" for b in buffers],
        "owner": [b.owner for b in buffers],
        "inode": [_or_empty(b.inode) for b in buffers],
        "count": [_or_empty(b.count) for b in buffers],
        "attached": [", ".join(b.attached) for b in buffers],
    }


def exporter_columns(observation: Observation) -> dict[str, Any]:
    """Bytes and buffers per exporter (or owner where no exporter is named)."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for buffer in observation.buffers:
        sizes[_exporter(buffer)].append(buffer.size)
    names = sorted(sizes, key=lambda name: -sum(sizes[name]))
    return {
        "owner": names,
        "bytes": [sum(sizes[name]) for name in names],
        "regions": [len(sizes[name]) for name in names],
        "colour": [theme.OWNERS[i % len(theme.OWNERS)] for i in range(len(names))],
    }


def observation_view(observation: Observation) -> Column:
    """Bytes per exporter over the table of buffers."""
    exporters = exporter_columns(observation)
    source = ColumnDataSource(data=exporters, name="hk_exporters")
    title = (
        f"{len(observation.buffers)} buffers, {format_bytes(observation.total_bytes)}"
    )
    names = exporters["owner"]
    bars = _bars(source, "hk_exporters_figure", "exporter", title, names)
    table = _table(
        "hk_buffers",
        _written(observation_columns(observation), ("size",)),
        [
            ("size_text", "size", 90),
            ("exp_name", "exporter", 130),
            ("name", "name", 110),
            ("owner", "owner", 110),
            ("inode", "inode", 70),
            ("count", "references", 70),
            ("attached", "attached devices", 260),
        ],
    )
    return column(bars, table, sizing_mode="stretch_width", name="hk_observation_view")


def _exporter(buffer: BufferInfo) -> str:
    return buffer.exp_name or buffer.owner or _UNNAMED


def _or_empty(value: int | None) -> str:
    return "" if value is None else str(value)


def _written(columns: dict[str, Any], sizes: tuple[str, ...]) -> dict[str, Any]:
    """The columns with a text beside each size, and beside the share."""
    written = dict(columns)
    for name in sizes:
        written[f"{name}_text"] = [format_bytes(value) for value in columns[name]]
    if "share" in columns:
        written["share_text"] = [format_share(v) for v in columns["share"]]
    return written


def _table(
    name: str, columns: dict[str, Any], shown: list[tuple[str, str, int]]
) -> DataTable:
    rows = len(next(iter(columns.values())))
    return DataTable(
        source=ColumnDataSource(data=columns, name=f"{name}_source"),
        columns=[
            TableColumn(
                field=field, title=title, width=width, formatter=StringFormatter()
            )
            for field, title, width in shown
        ],
        index_position=None,
        sortable=False,
        reorderable=False,
        height=ROW_PX * min(12, rows + 1) + 10,
        row_height=ROW_PX,
        sizing_mode="stretch_width",
        # Rows stay white in a dark JupyterLab, whose text colour is inherited.
        stylesheets=[f":host {{ color: {theme.INK}; background: white; }}"],
        name=name,
    )


def _bars(
    source: ColumnDataSource, name: str, what: str, title: str, names: list[str]
) -> figure:
    top = max(source.data["bytes"], default=0)
    fig = figure(
        name=name,
        title=title,
        height=70 + ROW_PX * max(1, len(names)),
        y_range=FactorRange(factors=list(reversed(names))),
        x_range=Range1d(0, theme.headroom(top)),
        tools="save",
        toolbar_location=None,
        sizing_mode="stretch_width",
        min_border_left=76,
        min_border_right=16,
    )
    theme.dress(fig)
    label_axis(fig.xaxis[0], "", "bytes", ticks=8)
    fig.ygrid.visible = False
    fig.yaxis[0].formatter = CustomJSTickFormatter(
        code="return tick.length > 28 ? tick.slice(0, 27) + '…' : tick"
    )
    bars = fig.hbar(y="owner", right="bytes", height=0.7, source=source, color="colour")
    theme.hover(
        fig,
        [(what, "@owner"), ("in use", "@bytes{custom}"), ("buffers", "@regions")],
        mode="mouse",
        renderers=[bars],
        formatters={"@bytes": hover_format("bytes")},
    )
    return fig
