# SPDX-License-Identifier: MIT
"""Every figure: named models, ranges from here, a wheel that scrolls the page."""

import io

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import DataRange1d, GlyphRenderer, Plot, Toolbar
from PIL import Image

import heapkit as hk
from heapkit import KiB, MiB
from heapkit._ffi import BUCKET
from heapkit.cost_groups import GROUPS
from heapkit.costs import EMULATED
from heapkit.snapshot import BufferInfo, Observation, Region, Snapshot, State
from heapkit.views import (
    breakdown,
    envelope,
    gauges,
    pool,
    recording,
    sizing,
    strip,
    sync,
    theme,
)
from heapkit.views.snapshots import (
    exporter_columns,
    observation_view,
    owner_columns,
    snapshot_view,
)
from heapkit.views.static import picture
from heapkit.views.ticks import format_share

EVENTS = 5000


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def strip_figure(rng):
    address = np.arange(0, MiB, 64 * KiB)
    size = np.full(len(address), 32 * KiB)
    code = strip.size_codes(size)
    columns = strip.strip_columns(address, size, code, code, base=0, length=MiB)
    return strip.strip(columns, heap="camera", base=0, length=MiB)


def gauges_figure(rng):
    free = rng.integers(0, MiB, EVENTS)
    columns = gauges.gauge_columns(np.arange(EVENTS), free, free // 2, end=EVENTS)
    refused = gauges.failure_columns(np.arange(0, EVENTS, 50), size=MiB)
    return gauges.free_space(columns, refused, events=EVENTS, size=MiB, held=columns)


def fill_figure(rng):
    items = rng.integers(0, 50, (EVENTS, 3))
    columns = pool.fill_columns(items, (8, 4, 0), items[:, 0])
    return pool.pool_fill(columns, (8, 4, 0), events=EVENTS, top=MiB)


def hits_figure(rng):
    entries = rng.integers(1, 9, EVENTS)
    columns = pool.hit_columns(np.arange(EVENTS), entries, entries // 2, events=EVENTS)
    return pool.hits(columns, events=EVENTS, top=columns["total"].max())


def cdf_figure(rng):
    columns = pool.cdf_columns(rng.lognormal(9, 1, EVENTS))
    return pool.latency_cdf([("on", columns, "on", theme.BLUE)], ns=(1e3, 1e6))


def sync_figure(rng):
    parts = {name: rng.random(9) for name in ("calls", "lines")}
    columns = sync.sync_columns(range(9), parts)
    return sync.sync_cost(columns, list(parts), most=8, top=columns["total"].max())


def breakdown_layout(rng):
    parts = {name: rng.lognormal(8, 2, EVENTS) for name in GROUPS}
    op, heap = rng.integers(0, 2, EVENTS), rng.integers(-1, 2, EVENTS)
    return breakdown.breakdown_view(
        parts,
        np.arange(EVENTS),
        op,
        heap,
        heap + 2,
        end=EVENTS,
        ops={0: "ALLOC", 1: "FREE"},
        heaps=("camera", "system"),
    )


def sizing_layout(rng):
    setting = np.repeat(np.arange(1, 6) * MiB, 3)
    shares, p99 = rng.random(15), rng.random(15) * 1e6
    marks = {"chosen": 3 * MiB, "failure_target": 0.1, "p99_target_ns": 1e5}
    return sizing.sizing_view(setting, shares, p99, label="camera.size", **marks)


def recording_layout(rng):
    start = np.arange(0, EVENTS, 10)
    address = start * 4096
    size = np.full(len(start), 64 * KiB)
    code = strip.size_codes(size)
    boxes = recording.life_columns(start, start + 50, address, size, code, base=0)
    free = rng.integers(0, MiB, EVENTS)
    lines = gauges.gauge_columns(np.arange(EVENTS), free, free // 2, end=EVENTS)
    refused = gauges.failure_columns(start, size=32 * MiB)
    where = {"heap": "reserved", "length": 32 * MiB, "events": EVENTS}
    return recording.recording_view(boxes, lines, refused, **where)


def crowded_recording_layout(rng):
    start = np.arange(0, EVENTS, 5)
    size = np.full(len(start), 64 * KiB)
    code = strip.size_codes(size)
    boxes = recording.life_columns(start, start + 50, start * 4096, size, code, base=0)
    return recording.lives(boxes, heap="reserved", length=32 * MiB, events=EVENTS)


def snapshot_layout(rng):
    return snapshot_view(SNAPSHOT)


def observation_layout(rng):
    return observation_view(OBSERVATION)


SNAPSHOT = Snapshot(
    heap="rk-dma-heap-cma",
    base=0x280_0000,
    size=8 * MiB,
    regions=(
        Region(0x280_0000, 2 * MiB, State.USED, "vmpi"),
        Region(0x2A0_0000, 1 * MiB, State.FREE),
        Region(0x2B0_0000, 1 * MiB, State.USED, "rkisp"),
    ),
)
OBSERVATION = Observation(
    (
        BufferInfo(4096, "system", "preview", attached=("isp", "gpu")),
        BufferInfo(8192, "drm"),
        BufferInfo(4096, "system"),
    )
)


def envelope_rows(rng, n):
    rows = np.zeros(n, BUCKET)
    rows["events"] = rng.integers(1, 9, n)
    rows["low"] = rng.integers(0, MiB, (n, 4))
    rows["high"] = rows["low"] + rng.integers(0, MiB, (n, 4)).astype(np.uint64)
    rows["sum"] = rows["low"] * rows["events"][:, np.newaxis]
    return rows


def envelope_figures(rng):
    event = np.arange(EVENTS) * 1000
    columns = envelope.envelope_columns(
        event, envelope_rows(rng, EVENTS), end=EVENTS * 1000
    )
    return envelope.envelope_view(
        columns, event[::50], heap="camera", events=EVENTS * 1000, size=2 * MiB
    )


FIGURES = [
    breakdown_layout,
    envelope_figures,
    strip_figure,
    gauges_figure,
    fill_figure,
    hits_figure,
    cdf_figure,
    sync_figure,
    sizing_layout,
    recording_layout,
    crowded_recording_layout,
    snapshot_layout,
    observation_layout,
]
each_figure = pytest.mark.parametrize("make", FIGURES)


def models(layout, kind):
    document = Document()
    document.add_root(layout)
    return list(document.select({"type": kind}))


@each_figure
def test_a_figure_and_its_sources_have_names(make, rng):
    for plot in models(make(rng), Plot):
        assert plot.name.startswith("hk_")
        for renderer in plot.renderers:
            assert isinstance(renderer, GlyphRenderer)
            assert renderer.data_source.name.startswith("hk_")


@each_figure
def test_no_range_is_left_to_the_browser(make, rng):
    assert models(make(rng), DataRange1d) == []


@each_figure
def test_the_wheel_scrolls_the_page(make, rng):
    for toolbar in models(make(rng), Toolbar):
        assert toolbar.active_scroll is None


@each_figure
def test_a_figure_takes_the_width_it_is_given(make, rng):
    for plot in models(make(rng), Plot):
        assert plot.sizing_mode == "stretch_width"
        assert plot.height > 0


@each_figure
def test_a_static_picture_can_be_drawn_without_a_browser(make, rng):
    image = Image.open(io.BytesIO(picture(make(rng))))
    assert image.width == 800
    assert len(set(image.convert("RGB").tobytes())) > 10


def test_lines_are_reduced_to_what_a_screen_can_show(rng):
    free = rng.integers(0, MiB, 200_000)
    columns = gauges.gauge_columns(np.arange(len(free)), free, free // 3, end=len(free))
    assert len(columns["free"]) <= 10_000
    assert columns["free"].max() == free.max()


def test_the_lines_reach_the_end_of_the_trace():
    columns = gauges.gauge_columns(
        np.array([3, 5]), np.array([8, 4]), np.array([8, 2]), end=100
    )
    assert columns["event"].tolist() == [3, 5, 100]
    assert columns["free"].tolist() == [8, 4, 4]


def test_a_range_of_events_adds_up_to_all_blocks(rng):
    entries = rng.integers(1, 9, 300)
    events = np.sort(rng.choice(EVENTS, 300, replace=False))
    columns = pool.hit_columns(events, entries, entries // 3, events=EVENTS)
    assert columns["total"].sum() == entries.sum()
    assert columns["hits"].sum() == (entries // 3).sum()
    assert (columns["hits"] + columns["misses"] == columns["total"]).all()


def test_the_cdf_ends_at_the_largest_latency(rng):
    latency = rng.integers(1, 10**6, 5000)
    columns = pool.cdf_columns(latency)
    assert columns["ns"][-1] == latency.max()
    assert columns["share"][-1] == 1
    assert len(columns["ns"]) <= 400


def test_nothing_has_an_empty_cdf():
    assert len(pool.cdf_columns(np.zeros(0))["ns"]) == 0


def test_stacked_parts_add_up():
    columns = sync.sync_columns([0, 1], {"calls": [1, 2], "lines": [10, 20]})
    assert columns["total"].tolist() == [11, 22]
    assert columns["top_0"].tolist() == [1, 2]


def test_what_was_measured_under_emulation_is_marked_as_what_was_assumed():
    costs = hk.Costs.default().replace(clean_line=9, status=EMULATED).values()
    table = sync.cost_table([c for c in costs if c.name == "clean_line"])
    assert f"<td class='hk-assumed'>{EMULATED}</td>" in table


def test_what_was_assumed_says_so():
    class Cost:
        name, value, unit = "clean_line", 4.0, "ns/line"
        status, source = "assumed", "<nobody>"

    table = sync.cost_table([Cost])
    assert "hk-assumed" in table
    assert "&lt;nobody&gt;" in table


def test_owners_the_free_rest_and_what_was_not_reported_make_up_the_heap():
    owners = owner_columns(SNAPSHOT)
    assert owners["owner"] == ["vmpi", "rkisp", "free", "not reported"]
    assert sum(owners["bytes"]) == SNAPSHOT.size
    assert sum(owners["share"]) == pytest.approx(1)


def test_of_many_owners_the_bars_are_of_those_who_hold_most():
    regions = tuple(
        Region(i * 2 * MiB, MiB + (i % 7) * 4096, State.USED, f"#{i}")
        for i in range(300)
    )
    crowd = Snapshot(heap="apps", base=0, size=600 * MiB, regions=regions)
    layout = snapshot_view(crowd)
    bars = layout.select_one({"name": "hk_owner_bars_figure"})
    assert bars.title.text == "In use by owner: the 24 who hold most, of 300"
    assert bars.height < 800
    drawn = layout.select_one({"name": "hk_owner_bars"}).data
    assert drawn["owner"] == [f"#{i}" for i in range(6, 300, 7)][:24]
    assert len(layout.select_one({"name": "hk_owners"}).source.data["owner"]) >= 300


def test_exporters_are_sorted_by_what_they_hold():
    exporters = exporter_columns(OBSERVATION)
    assert exporters["owner"][0] in {"drm", "system"}
    assert exporters["bytes"] == [8192, 8192]
    assert sum(exporters["regions"]) == 3


def test_the_spread_is_over_the_seeds_of_one_setting():
    columns = sizing.spread_columns([1, 1, 1, 2], [0.1, 0.5, 0.2, 0.3])
    assert columns["setting"].tolist() == [1, 2]
    assert columns["low"].tolist() == [0.1, 0.3]
    assert columns["mid"].tolist() == [0.2, 0.3]
    assert columns["high"].tolist() == [0.5, 0.3]


@pytest.mark.parametrize(
    ("top", "end"), [(0, 1), (28, 30), (31, 40), (1000, 1000), (1.1e6, 1.5e6)]
)
def test_an_axis_ends_at_a_round_number(top, end):
    assert theme.round_top(top) == pytest.approx(end)


def test_of_many_buffers_none_is_left_out():
    start = np.repeat(np.arange(0, EVENTS, 10), 4)
    address = np.tile(np.arange(4) * MiB, EVENTS // 10)
    size = np.full(len(start), MiB)
    code = strip.size_codes(size)
    boxes = recording.life_columns(start, start + 10, address, size, code, base=0)
    (image,) = boxes["image"]
    assert (image == code[0]).all()
    assert (boxes["dw"], boxes["dh"]) == ([EVENTS], [4 * MiB])


def test_the_smallest_buffer_has_a_cell():
    start, end = np.arange(1000), np.arange(1000) + 1
    address = np.arange(1000) * 4 * KiB
    size = np.full(1000, 4 * KiB)
    code = strip.size_codes(size)
    (image,) = recording.life_columns(start, end, address, size, code, base=0)["image"]
    assert image.any(axis=0).all()
    assert image.any(axis=1).all()


def sizing_of(share, **marks):
    setting = np.arange(1, 6) * MiB
    shares, p99 = np.full(5, share), np.full(5, 2e6)
    return sizing.sizing_view(setting, shares, p99, label="camera.size", **marks)


@pytest.mark.parametrize(
    ("chart", "target"), [("failures", "target 10 %"), ("p99", "target 1 ms")]
)
def test_target_and_answer_are_in_the_legend(chart, target):
    layout = sizing_of(0.5, chosen=3 * MiB, failure_target=0.1, p99_target_ns=1e6)
    (legend,) = layout.select_one({"name": f"hk_sizing_{chart}_figure"}).legend
    assert [i.label.value for i in legend.items][1:] == [target, "answer 3 MiB"]


def test_a_flat_zero_is_drawn_to_a_scale_on_which_little_would_be_seen():
    refused = sizing_of(0.0).select_one({"name": "hk_sizing_failures_figure"})
    assert 0.01 <= refused.y_range.end < 0.011


@pytest.mark.parametrize("mark", [{"chosen": 3 * MiB}, {"failure_target": 0.1}])
def test_a_dashed_line_is_in_the_static_picture_too(mark):
    assert picture(sizing_of(0.5, **mark)) != picture(sizing_of(0.5))


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0 %"), (0.0001, "< 0.1 %"), (0.002815, "0.3 %"), (0.34378, "34.4 %")],
)
def test_shares_are_written_in_one_form(share, text):
    assert format_share(share) == text


def test_the_table_of_owners_has_one_decimal_in_each_share():
    table = snapshot_view(SNAPSHOT).select_one({"name": "hk_owners"})
    assert table.source.data["share_text"][:2] == ["25.0 %", "12.5 %"]


# --- Envelopes ---------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 7, envelope.SPANS, envelope.SPANS + 1, EVENTS])
def test_an_envelope_loses_no_extreme(rng, n):
    rows = envelope_rows(rng, n)
    event = np.cumsum(rng.integers(1, 9, n))
    columns = envelope.envelope_columns(event, rows, end=int(event[-1]) + 1)
    assert len(columns["event"]) <= envelope.SPANS + 1
    assert columns["event"][-1] == event[-1] + 1
    for at, start in enumerate(columns["event"][:-1]):
        here = rows[(event >= start) & (event < columns["event"][at + 1])]
        for index, name in enumerate(("free", "largest", "pool", "deferred")):
            assert columns[f"{name}_low"][at] == here["low"][:, index].min()
            assert columns[f"{name}_high"][at] == here["high"][:, index].max()
            mean = here["sum"][:, index].sum() / here["events"].sum()
            assert columns[f"{name}_mean"][at] == pytest.approx(mean)


def test_an_envelope_of_nothing_is_empty():
    columns = envelope.envelope_columns(np.zeros(0), np.zeros(0, BUCKET), end=0)
    assert all(len(values) == 0 for values in columns.values())
    envelope.envelope_view(columns, np.zeros(0), heap="a", events=0, size=MiB)


def test_a_heap_without_pools_has_no_figure_of_them(rng):
    rows = envelope_rows(rng, 9)
    rows["high"][:, 2:] = 0
    columns = envelope.envelope_columns(np.arange(9), rows, end=9)
    layout = envelope.envelope_view(
        columns, np.zeros(0), heap="camera", events=9, size=MiB
    )
    assert len(layout.children) == 1


def test_an_envelope_without_refusals_has_no_sign_for_them(rng):
    columns = envelope.envelope_columns(np.arange(9), envelope_rows(rng, 9), end=9)
    where = {"heap": "camera", "events": 9, "size": MiB}
    without = envelope.envelope_view(columns, np.zeros(0), **where)
    assert without.select_one({"name": "hk_refused"}) is None
    marked = envelope.envelope_view(columns, np.array([3]), **where)
    assert marked.select_one({"name": "hk_refused"}) is not None
