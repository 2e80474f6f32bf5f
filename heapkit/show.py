# SPDX-License-Identifier: MIT
"""A picture of whatever it is given: ``hk.show(snapshot)``.

The static counterpart of the explorers: it needs no kernel once it is drawn.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any

import numpy as np
from bokeh.layouts import column
from bokeh.models import LayoutDOM

from heapkit import arguments, metrics, notebook
from heapkit.board import PagedHeap
from heapkit.board_parts import span_of
from heapkit.calibration import Calibration
from heapkit.calibration.charts import charts_of
from heapkit.comparison import Comparison
from heapkit.file_run import FileRun
from heapkit.introspection.look import Introspection
from heapkit.recommendation import Recommendation
from heapkit.run import Run
from heapkit.snapshot import Observation, Snapshot
from heapkit.trace import Op
from heapkit.validation.result import Validation
from heapkit.views.breakdown import breakdown_view
from heapkit.views.calibration import calibration_view
from heapkit.views.envelope import envelope_columns, envelope_view
from heapkit.views.gauges import failure_columns, gauge_columns
from heapkit.views.recording import life_columns, recording_view
from heapkit.views.residuals import residual_columns, residuals
from heapkit.views.sharing import sharing_columns, sharing_view
from heapkit.views.sizing import sizing_view
from heapkit.views.snapshots import observation_view, snapshot_view
from heapkit.views.strip import size_codes


def show(thing: Any, **options: Any) -> None:
    """Draw a Snapshot, an Observation, a Run, a FileRun, a Recommendation.

    Or what :func:`heapkit.introspect` returned: every CMA area and every buffer; or a
    Validation, how far each figure is from what was published; or a comparison
    of policies, as :func:`heapkit.sharing.compare` returns it; or a Calibration, the
    operations that constants come from, with ``place=`` all of one place.

    A Run takes ``heap=``, the region heap to draw (default: the first that
    served anything); a FileRun any heap (default: that of the most events). Of a Run
    replayed with ``breakdown=True``, ``what="breakdown"`` draws what its latencies
    are made of, of all events or of those of ``heap``. In a
    notebook the figure appears below the cell; elsewhere a browser opens.
    ``TypeError`` for anything that has no picture.
    """
    from bokeh.io import show as show_layout
    from bokeh.io.state import curstate

    layout = figure_of(thing, **options)
    if curstate().notebook:
        notebook.draw(layout)
    else:
        show_layout(layout)


@singledispatch
def figure_of(thing: object, **_options: Any) -> LayoutDOM:
    """The bokeh layout that :func:`show` draws."""
    raise TypeError(
        f"thing={thing!r}: must be a Snapshot, an Observation, a Run, a FileRun, a "
        "Recommendation, a Validation, a Comparison, an Introspection or a Calibration"
    )


@figure_of.register
def _(thing: Snapshot) -> LayoutDOM:
    return snapshot_view(thing)


@figure_of.register
def _(thing: Observation) -> LayoutDOM:
    return observation_view(thing)


@figure_of.register
def _(thing: Introspection) -> LayoutDOM:
    areas = [snapshot_view(area) for area in thing.cma.values()]
    return column(
        *areas,
        observation_view(thing.observation),
        sizing_mode="stretch_width",
        name="hk_introspection",
    )


@figure_of.register
def _(thing: Recommendation) -> LayoutDOM:
    name = " and ".join(thing.settings[0])
    trials = thing.trials
    numbers = len(thing.settings[0]) == 1 and all(
        isinstance(t.setting[name], int) for t in trials
    )
    settings = [thing.settings.index(t.setting) for t in trials]
    if numbers:
        settings = [t.setting[name] for t in trials]
    chosen = thing.setting
    return sizing_view(
        np.array(settings),
        np.array([t.failure_rate for t in trials]),
        np.array([t.p99_ns for t in trials]),
        label=name if numbers else f"{name}, in the order tried",
        unit="bytes" if numbers else "count",
        chosen=None if chosen is None else settings[_first_trial(thing, chosen)],
        failure_target=thing.target.failure_rate,
        p99_target_ns=thing.target.p99_ns,
    )


@figure_of.register
def _(thing: Validation) -> LayoutDOM:
    rows = thing.rows
    columns = residual_columns(
        [row.published for row in rows],
        [row.model for row in rows],
        [row.kind for row in rows],
        [row.target for row in rows],
        [row.what for row in rows],
    )
    return residuals(columns)


@figure_of.register
def _(thing: Calibration, *, place: str | None = None) -> LayoutDOM:
    return calibration_view(charts_of(thing, place))


@figure_of.register
def _(thing: Comparison) -> LayoutDOM:
    parts = thing.parts()
    columns = sharing_columns(
        thing.policies,
        parts,
        **{name: thing.column(name) for name in ("passes", "wrong", "warnings")},
    )
    return sharing_view(columns, list(parts))


def _first_trial(thing: Recommendation, setting: dict[str, Any]) -> int:
    return thing.settings.index(setting) * thing.n_traces


@figure_of.register
def _(thing: Run, *, what: str = "memory", heap: str | None = None) -> LayoutDOM:
    arguments.choice("show", "what", what, ("memory", "breakdown"))
    return _memory(thing, heap) if what == "memory" else _breakdown(thing, heap)


def _breakdown(thing: Run, heap: str | None) -> LayoutDOM:
    parts = thing.breakdown()
    rows = np.arange(len(thing))
    if heap is not None:
        rows = np.flatnonzero(thing["heap"] == thing.heap_index(heap))
    return breakdown_view(
        {str(name): parts[name].to_numpy()[rows] for name in parts},
        rows,
        thing["op"][rows],
        thing["heap"][rows],
        thing["size"][rows],
        end=len(thing),
        ops={int(op): op.name for op in Op},
        heaps=thing.heap_names,
    )


def _memory(thing: Run, heap: str | None) -> LayoutDOM:
    name = heap if heap is not None else _first_region(thing)
    region = thing.board.heap(name)
    if isinstance(region, PagedHeap) or region.base is None:
        raise ValueError(f"heap={name!r}: has no region; hk.explore.pool shows it")
    rows = np.flatnonzero(thing["heap"] == thing.board.heap_names.index(name))
    lives = metrics.lifetimes(thing, name)
    boxes = life_columns(
        lives["start"],
        lives["end"],
        lives["address"],
        lives["size"],
        size_codes(lives["size"]),
        base=region.base,
    )
    gauges = gauge_columns(
        rows,
        thing["free_bytes"][rows],
        thing["largest_free_bytes"][rows],
        end=len(thing),
    )
    refused = np.flatnonzero(metrics.refused(thing, name))
    return recording_view(
        boxes,
        gauges,
        failure_columns(refused, size=region.size),
        heap=name,
        length=span_of(region),
        events=len(thing),
    )


def _first_region(run: Run) -> str:
    served = run["heap"][(run.trace.op == Op.ALLOC) & (run["status"] == 0)]
    regions = {i for i, h in enumerate(run.board.heaps) if not isinstance(h, PagedHeap)}
    for code in served.tolist():
        if code in regions:
            return run.board.heap_names[int(code)]
    raise ValueError("heap=None: no region heap served anything in this run")


@figure_of.register
def _(thing: FileRun, *, heap: str | None = None) -> LayoutDOM:
    name = heap if heap is not None else _busiest(thing)
    rows = thing.envelope(name)
    used = np.flatnonzero(rows["events"] > 0)
    first = np.arange(len(rows)) * thing.bucket_events
    columns = envelope_columns(first[used], rows[used], end=len(thing))
    size = getattr(thing.board.heap(name), "size", None)
    return envelope_view(
        columns,
        first[rows["refused"] > 0],
        heap=name,
        events=len(thing),
        # A system heap has what the page allocator has.
        size=size or int(rows["high"][:, 0].max(initial=0)),
    )


def _busiest(run: FileRun) -> str:
    events = [int(run.envelope(name)["events"].sum()) for name in run.heap_names]
    return run.heap_names[int(np.argmax(events))]
