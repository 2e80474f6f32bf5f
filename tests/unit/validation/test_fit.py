# SPDX-License-Identifier: MIT
"""Fits: least squares that are never negative, with a leave-one-out range."""

import numpy as np
import pytest

from heapkit.validation.fit import (
    Observation,
    fit,
    least_squares,
    lower_envelope,
    relative_least_squares,
    values,
)

NAMES = ("call", "page")


def observed(*pairs):
    """(pages, ns) each."""
    return [
        Observation(f"figure {i}", {"call": 1, "page": pages}, ns)
        for i, (pages, ns) in enumerate(pairs)
    ]


def test_what_a_line_made_is_found_again():
    rows = observed(*((n, 1000 + 7 * n) for n in (1, 10, 100, 1000)))
    found = fit(NAMES, rows)
    assert values(found) == pytest.approx({"call": 1000, "page": 7})
    assert found[0].on == tuple(row.figure for row in rows)
    assert found[1].low == pytest.approx(7)
    assert found[1].high == pytest.approx(7)


def test_a_constant_is_never_negative():
    rows = observed((1, 1), (10, 100), (100, 1300))
    assert np.linalg.lstsq([[1, 1], [1, 10], [1, 100]], [1, 100, 1300])[0][0] < 0
    found = values(fit(NAMES, rows))
    assert found["call"] == 0
    assert found["page"] > 0


def test_where_nothing_fits_all_constants_are_zero():
    assert least_squares(np.array([[1.0]]), np.array([-5.0])).tolist() == [0]


def test_the_range_is_that_of_the_fits_that_leave_one_out():
    (found,) = fit(("page",), observed((1, 1), (1, 3), (1, 8)))
    assert found.value == pytest.approx(4)
    assert (found.low, found.high) == pytest.approx((2, 5.5))


def test_one_figure_gives_a_constant_without_a_range():
    (found,) = fit(("page",), observed((2, 8)))
    assert (found.low, found.value, found.high) == pytest.approx((4, 4, 4))


def test_given_constants_are_taken_off_first():
    (found,) = fit(("page",), observed((10, 1070)), fixed={"call": 1000})
    assert found.value == pytest.approx(7)


def test_fewer_figures_than_constants_are_refused():
    with pytest.raises(ValueError, match="observations=1; allowed: at least 2"):
        fit(NAMES, observed((1, 1)))


def test_the_envelope_is_nowhere_above_a_figure():
    pages = np.array([1.0, 10.0, 100.0, 1000.0])
    extra = np.array([0.0, 500.0, 300.0, 0.0])
    matrix = np.column_stack([np.ones(4), pages])
    found = lower_envelope(matrix, 1000 + 7 * pages + extra)
    assert found == pytest.approx([1000, 7])


def test_relative_least_squares_count_every_size_alike():
    pages = np.array([1.0, 1e6])
    matrix = np.column_stack([np.ones(2), pages])
    ns = np.array([100.0, 3e6])
    assert relative_least_squares(matrix, ns) == pytest.approx([97, 3], rel=1e-2)
