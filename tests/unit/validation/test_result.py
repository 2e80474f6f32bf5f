# SPDX-License-Identifier: MIT
"""Rows: what is a prediction is worked out, residuals and aims are shown."""

import math

import pytest

from heapkit.validation.fit import Fit
from heapkit.validation.result import PLACE, Row, Validation, markdown_table

FITTED = Fit("cma_page", 5, 4, 6, ("a", "b"), "least squares on a and b")


def row(**changes):
    given = {
        "target": "T",
        "what": "w",
        "unit": "ns",
        "published": 1000.0,
        "model": 1200.0,
        "figures": ("c",),
    }
    return Row(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({}, "prediction"),
        ({"fits": (FITTED,)}, "prediction"),
        ({"fits": (FITTED,), "figures": ("b",)}, "fit"),
        ({"fits": (FITTED,), "figures": ("c", "a")}, "fit"),
        ({"given": True}, "given"),
    ],
)
def test_a_figure_that_a_fit_used_is_no_prediction(changes, kind):
    assert row(**changes).kind == kind


@pytest.mark.parametrize(
    ("changes", "met", "verdict"),
    [
        ({}, None, "no aim"),
        ({"within": 0.25}, True, "met: within 25%"),
        ({"within": 0.1}, False, "MISSED: within 10%"),
        ({"within": 0.0}, False, "MISSED: exact"),
        ({"between": (1100, 1300)}, True, "met: 1.1 µs to 1.3 µs"),
        ({"between": (1300, math.inf)}, False, "MISSED: more than 1.3 µs"),
    ],
)
def test_an_aim_is_met_or_missed(changes, met, verdict):
    assert row(**changes).met is met
    assert row(**changes).verdict == verdict


def test_a_residual_is_a_share_of_what_was_published():
    assert row().residual == pytest.approx(0.2)
    assert row().cells()[3] == "+20.0%"


def test_the_residual_of_a_change_is_in_points():
    change = row(unit="change", published=-0.6661, model=-0.646)
    assert change.cells()[1:4] == ("-66.6%", "-64.6%", "+2.0% points")


def test_a_place_is_told_in_mib_and_a_refusal_in_words():
    place = row(unit=PLACE, published=3, model=-1)
    assert place.cells()[1:4] == ("at 3 MiB", "refused", "-4 MiB")


def test_what_was_fitted_and_what_is_assumed_is_named():
    again = Fit("cma_call", 5, 4, 6, ("a",), FITTED.how)
    told = row(fits=(FITTED, again), assumed=("clean_line",)).fitted_on
    assert told == "cma_page, cma_call: least squares on a and b; clean_line: assumed"
    assert row().fitted_on == "nothing"


def test_a_validation_counts_aims_and_keeps_details_apart():
    result = Validation(
        (row(within=0.25), row(within=0.1), row(detail=True, note="n"), row())
    )
    assert len(result.targets) == 3
    assert len(result.missed) == 1
    assert repr(result) == ("<Validation: 4 lines, 1 of 2 aims met, 4 predictions>")
    assert result.to_frame()["residual"].tolist() == pytest.approx([0.2] * 4)
    assert result.to_markdown().count("\n| T: w") == 3
    assert result.to_markdown(detail=True).count("\n| T: w") == 1
    assert "MISSED: within 10%" in result._repr_html_()


def test_a_fit_and_what_was_given_count_as_no_aim():
    trivial = row(within=1.0, figures=("a",), fits=(FITTED,)), row(within=1, given=True)
    result = Validation((*trivial, row(within=0.1), row()))
    assert result.aims == result.missed == (result.rows[2],)


def test_fits_are_listed_once():
    result = Validation((row(fits=(FITTED,)), row(fits=(FITTED,))))
    assert result.fits == (FITTED,)


def test_a_pipe_does_not_end_a_cell():
    assert markdown_table(("a",), [("x|y",)]).endswith("| x\\|y |")
