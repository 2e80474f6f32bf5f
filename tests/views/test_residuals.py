# SPDX-License-Identifier: MIT
"""The residuals as a figure: one strip a group, one axis."""

import io

import numpy as np
import pytest
from PIL import Image

import heapkit as hk
from heapkit.show import figure_of
from heapkit.validation.result import Row, Validation
from heapkit.views.residuals import KINDS, residual_columns, residuals
from heapkit.views.static import picture

COLUMNS = residual_columns(
    [10, 20, 0, -0.6, 5],
    [12, 10, 1, -0.66, 0],
    ["prediction", "fit", "prediction", "prediction", "fit"],
    ["A", "A", "A", "B", "B"],
    list("vwxyz"),
)


def test_a_figure_without_a_ratio_is_left_out():
    assert COLUMNS["name"] == ["v", "w", "y"]
    assert COLUMNS["ratio"] == pytest.approx([1.2, 0.5, 1.1])


def test_every_group_has_a_strip_and_all_have_one_axis():
    drawn = residuals(COLUMNS)
    plots = drawn.children
    assert [plot.title.text for plot in plots] == ["A", "B"]
    assert len({plot.x_range.id for plot in plots}) == 1
    assert [plot.xaxis[0].visible for plot in plots] == [False, True]


def test_a_dot_has_the_colour_of_its_kind():
    drawn = residuals(COLUMNS)
    for kind, count in zip(KINDS, (1, 1, 0), strict=True):
        (dots,) = drawn.select({"name": f"hk_residuals_{kind}_0"})
        shown = np.isfinite(dots.data_source.data["ratio"])
        assert shown.sum() == count


def test_nothing_to_draw_is_an_empty_figure():
    assert not residuals(residual_columns([], [], [], [], [])).children


def test_the_picture_has_both_colours():
    with Image.open(io.BytesIO(picture(residuals(COLUMNS)))) as image:
        colours = {c for _, c in image.convert("RGB").getcolors(10**6)}
    assert len(colours) > 4


def test_a_validation_can_be_shown():
    row = Row(target="T", what="w", unit="ns", published=2, model=3, figures=("f",))
    assert figure_of(Validation((row,))).name == "hk_residuals"
    assert hk.validation is not None
