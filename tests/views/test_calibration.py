# SPDX-License-Identifier: MIT
"""A calibration as a figure: points, a line, a shade for each operation."""

import io

import numpy as np
import pytest
from PIL import Image

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.calibration.charts import Curve, charts_of
from heapkit.show import figure_of
from heapkit.views.calibration import calibration_view, curve_columns, log_ticks
from heapkit.views.static import picture

CURVE = Curve(
    pages=np.array([16.0, 1.0, 256.0]),
    median=np.array([2000.0, 500.0, 30_000.0]),
    spread=np.array([100.0, 600.0, 900.0]),
    model=np.array([2100.0, 450.0, 29_000.0]),
    low=np.array([2000.0, -20.0, 28_000.0]),
    high=np.array([2200.0, 500.0, 31_000.0]),
)


@pytest.fixture(scope="module")
def here():
    return hk.calibrate(
        {},
        sizes=(4 * KiB, 64 * KiB, 256 * KiB),
        rounds=3,
        max_bytes=8 * MiB,
        progress=False,
    )


def test_the_columns_are_by_size_and_have_no_zero():
    columns = curve_columns(CURVE)
    assert columns["pages"].tolist() == [1, 16, 256]
    assert columns["median"].tolist() == [500, 2000, 30_000]
    assert columns["least"].tolist() == [1, 1900, 29_100]
    assert columns["low"][0] == 1


def test_every_chart_has_a_figure_with_its_states():
    drawn = calibration_view([("a", {"fresh": CURVE, "repeated": CURVE}), ("b", {})])
    assert drawn.name == "hk_calibration"
    assert drawn.select_one({"name": "hk_calibration_0"}).title.text == "a"
    for state in ("fresh", "repeated"):
        assert drawn.select_one({"name": f"hk_calibration_0_{state}"})
    assert drawn.select_one({"name": "hk_calibration_1"})


def test_nothing_to_draw_is_an_empty_figure():
    assert not calibration_view([]).children


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [(300, 40_000, [1e3, 1e4]), (1500, 30_000, [2e3, 5e3, 1e4, 2e4])],
)
def test_ticks_are_few_and_round(low, high, ticks):
    assert log_ticks(low, high) == pytest.approx(ticks)


def test_what_constants_come_from_is_drawn_and_of_a_place_everything(here):
    titles = [title for title, _ in charts_of(here)]
    assert "this process's memory: zero" in titles
    assert "this process's memory: copy" not in titles
    assert "this process's memory: copy" in [t for t, _ in charts_of(here, "area")]
    assert len(charts_of(here, "memfd")) == 7
    with pytest.raises(ValueError, match=r"place='nowhere'.*memfd"):
        charts_of(here, "nowhere")


def test_a_calibration_can_be_shown(here):
    layout = figure_of(here)
    assert layout.name == "hk_calibration"
    with Image.open(io.BytesIO(picture(layout))) as image:
        assert len(image.convert("RGB").getcolors(10**6)) > 4
