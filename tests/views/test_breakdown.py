# SPDX-License-Identifier: MIT
"""What latencies are made of: the columns of three pictures, and the pictures."""

import numpy as np
import pytest

from heapkit.cost_groups import GROUPS
from heapkit.views import breakdown, theme
from heapkit.views.reduce import BUCKETS

OPS = {0: "ALLOC", 1: "FREE", 8: "PRESSURE"}
HEAPS = ("camera", "system")
NAMED = {"ops": OPS, "heaps": HEAPS}


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def parts_of(rng, n):
    return {"calls": rng.random(n) * 1e3, "zeroing": rng.random(n) * 1e6}


def events_of(rng, n):
    op = rng.choice([0, 1], n).astype(np.uint8)
    return np.arange(n), op, rng.integers(0, 2, n), rng.integers(1, 1 << 20, n)


def view_of(rng, n, **more):
    parts = parts_of(rng, n) | more
    return breakdown.breakdown_view(parts, *events_of(rng, n), end=n, **NAMED)


@pytest.mark.parametrize("n", [1, BUCKETS, BUCKETS + 1, 100_000])
def test_steps_are_as_many_as_a_screen_shows_and_lose_nothing_of_the_sum(rng, n):
    parts = parts_of(rng, n)
    columns = breakdown.step_columns(parts, np.arange(n), end=n)
    assert len(columns["event"]) <= BUCKETS + 1
    width = columns["until"] - columns["event"]
    assert width.sum() == n
    for i, values in enumerate(parts.values()):
        drawn = (columns[f"part_{i}"] * width).sum()
        assert drawn == pytest.approx(values.sum(), rel=1e-4)


def test_few_events_are_a_step_each():
    parts = {"calls": np.array([5.0, 7.0]), "zeroing": np.array([10.0, 0.0])}
    columns = breakdown.step_columns(parts, np.array([3, 8]), end=20)
    assert columns["event"].tolist() == [3, 8, 20]
    assert columns["until"].tolist() == [8, 20, 20]
    assert columns["total"].tolist() == [15, 7, 7]
    assert columns["top_0"].tolist() == [5, 7, 7]


def test_kinds_are_the_mean_of_each_op_and_heap_the_dearest_first():
    op, heap = np.array([0, 0, 1, 8]), np.array([1, 1, 0, -1])
    parts = {"calls": np.array([1.0, 3.0, 9.0, 4.0])}
    columns = breakdown.kind_columns(parts, op, heap, **NAMED)
    assert columns["kind"] == ["FREE camera", "PRESSURE", "ALLOC system"]
    assert columns["total"].tolist() == [9, 4, 2]
    assert columns["events"].tolist() == [1, 1, 2]


def test_the_slowest_events_are_named_by_number_and_op():
    parts = {"calls": np.array([1.0, 3.0, 9.0]), "zeroing": np.array([0.0, 9.0, 0.0])}
    columns = breakdown.slowest_columns(
        parts,
        np.array([10, 20, 30]),
        np.array([0, 1, 8]),
        np.array([0, 1, -1]),
        np.array([4096, 0, 0]),
        most=2,
        **NAMED,
    )
    assert columns["name"] == ["20 FREE", "30 PRESSURE"]
    assert columns["heap"] == ["system", "-"]
    assert columns["total"].tolist() == [12, 9]
    assert columns["made"] == ["zeroing 9 ns<br>calls 3 ns", "calls 9 ns"]


def test_an_empty_run_has_an_empty_picture(rng):
    layout = view_of(rng, 0)
    assert len(layout.select_one({"name": "hk_breakdown_steps"}).data["event"]) == 0
    none = breakdown.breakdown_view({}, *events_of(rng, 0), end=0, **NAMED)
    assert len(none.children) == 3


def test_the_legend_has_the_parts_that_were_charged_in_lines_that_fit(rng):
    (legend,) = view_of(rng, 9).select_one({"name": "hk_breakdown_steps_figure"}).legend
    assert [item.label.value for item in legend.items] == ["calls", "zeroing"]
    many = dict.fromkeys(GROUPS, np.ones(9))
    steps = breakdown.step_columns(many, np.arange(9), end=9)
    fig = breakdown.over_events(steps, list(many), end=9, top=13)
    assert len(fig.legend[0].items) == len(GROUPS)
    assert fig.legend[0].ncols == breakdown.LEGEND_COLUMNS


def test_a_part_has_one_colour_in_every_picture(rng):
    layout = view_of(rng, 9)
    for name in ("hk_breakdown_kinds_1", "hk_breakdown_slowest_1"):
        drawn = layout.select_one({"name": name}).glyph.fill_color
        assert drawn == breakdown.COLOUR_OF["zeroing"] == theme.ORANGE


def test_of_many_kinds_the_bars_are_of_the_dearest(rng):
    n = 2000
    ops = {i: f"OP{i}" for i in range(25)}
    op, heap = rng.integers(0, 25, n), rng.integers(0, 2, n)
    layout = breakdown.breakdown_view(
        parts_of(rng, n), np.arange(n), op, heap, heap, end=n, ops=ops, heaps=HEAPS
    )
    fig = layout.select_one({"name": "hk_breakdown_kinds_figure"})
    assert fig.title.text == "Mean by operation and heap: the 16 dearest, of 50"
    assert len(fig.y_range.factors) == 16


def test_long_names_have_room(rng):
    def margin(heaps):
        layout = breakdown.breakdown_view(
            parts_of(rng, 9), *events_of(rng, 9), end=9, ops=OPS, heaps=heaps
        )
        return layout.select_one({"name": "hk_breakdown_kinds_figure"}).min_border_left

    assert margin(("protected,secure-video", "b")) > margin(("a", "b")) + 100
