# SPDX-License-Identifier: MIT
"""Terms from times whose true terms are known: synthetic, and the same every run."""

import numpy as np
import pytest

from heapkit import KiB, MiB
from heapkit.calibration.measuring import with_a_page_less
from heapkit.calibration.regression import fit
from heapkit.calibration.samples import counts_of

SIZES = (4 * KiB, 64 * KiB, 1 * MiB, 8 * MiB, 32 * MiB)
TRUE = {"call": 5000.0, "page": 300.0, "entry": 200.0}


def counts(kind, sizes, terms):
    rows = [counts_of(kind, size, 64) for size in sizes]
    return {term: [row[term] for row in rows] for term in terms}


def times(by_term, true, *, seed, noise=0.03, rounds=24, outliers=0.05):
    """What a machine would say: ``noise`` relative, and some that take thrice."""
    rng = np.random.default_rng(seed)
    columns = np.array([by_term[term] for term in by_term])
    ideal = np.array([true[term] for term in by_term]) @ columns
    drawn = ideal[:, None] * rng.normal(1, noise, (len(ideal), rounds))
    drawn[rng.random(drawn.shape) < outliers] *= 3
    return list(np.maximum(drawn, 1))


def test_times_without_noise_give_the_terms_themselves():
    by_term = counts("system", with_a_page_less(SIZES), TRUE)
    found = fit(by_term, times(by_term, TRUE, seed=1, noise=0, outliers=0))
    assert {t.name: pytest.approx(t.value, rel=1e-6) for t in found.terms} == TRUE
    assert all(term.claimed for term in found.terms)
    assert found.rms < 1e-9


@pytest.fixture(scope="module")
def hundred_fits():
    by_term = counts("system", with_a_page_less(SIZES), TRUE)
    return [fit(by_term, times(by_term, TRUE, seed=seed)) for seed in range(100)]


@pytest.mark.parametrize("name", TRUE)
def test_the_interval_covers_the_true_term_as_often_as_it_says(hundred_fits, name):
    terms = [found.term(name) for found in hundred_fits]
    assert sum(term.low <= TRUE[name] <= term.high for term in terms) >= 90


def test_more_noise_makes_wider_intervals():
    by_term = counts("memfd", SIZES, ("call", "page"))
    calm, loud = (
        fit(by_term, times(by_term, TRUE, seed=3, noise=noise)).term("page")
        for noise in (0.01, 0.2)
    )
    assert loud.high - loud.low > 3 * (calm.high - calm.low)


def test_one_entry_whatever_the_size_cannot_be_told_from_the_call():
    by_term = counts("cma", SIZES, ("call", "page", "entry"))
    found = fit(by_term, times(by_term, TRUE, seed=4))
    entry = found.term("entry")
    assert not entry.claimed
    assert entry.why_not == "these sizes cannot tell it from per call and per page"
    assert np.isnan(entry.value)
    # What it costs is in the call.
    assert found.term("call").low <= 5200 <= found.term("call").high


def test_entries_that_follow_the_pages_cannot_be_told_from_them():
    by_term = {"call": [1, 1, 1], "page": [256, 512, 1024], "entry": [1, 2, 4]}
    found = fit(by_term, times(by_term, TRUE, seed=5))
    assert not found.term("entry").claimed


def test_a_term_of_nothing_is_not_claimed():
    by_term = counts("memfd", SIZES, ("call", "page"))
    flat = times(by_term, {"call": 700.0, "page": 0.0}, seed=6)
    found = fit(by_term, flat)
    assert found.term("call").claimed
    assert found.term("page").why_not in {
        "its interval includes 0",
        "it comes out below 0",
    }


def test_times_that_follow_no_line_claim_nothing():
    by_term = counts("memfd", SIZES, ("call", "page"))
    jumping = [np.full(9, ns) for ns in (1e4, 9e4, 2e5, 9e6, 4e6)]
    found = fit(by_term, jumping)
    assert found.rms > 0.25
    assert not [term for term in found.terms if term.claimed]


def test_as_many_terms_as_sizes_claim_nothing():
    by_term = counts("memfd", SIZES[:2], ("call", "page"))
    found = fit(by_term, times(by_term, TRUE, seed=7))
    assert {term.why_not for term in found.terms} == {
        "as many terms as sizes: nothing says how well they fit"
    }


def test_one_price_of_one_size_is_its_median_with_an_interval():
    ns = np.random.default_rng(8).normal(400, 20, 60)
    found = fit({"page": [1]}, [ns]).term("page")
    assert found.value == pytest.approx(np.median(ns))
    assert found.claimed
    assert 380 < found.low < found.value < found.high < 420


def test_what_is_shorter_than_a_step_of_the_clock_is_not_claimed():
    by_term = counts("memfd", SIZES, ("call", "page"))
    found = fit(by_term, times(by_term, TRUE, seed=9), clock_ns=4e6)
    assert not [term for term in found.terms if term.claimed]
    assert "a step of the clock (4 ms)" in found.term("call").why_not


def test_times_of_nothing_at_all_do_not_break_the_fit():
    by_term = counts("memfd", SIZES, ("call", "page"))
    found = fit(by_term, [np.zeros(5)] * len(SIZES), clock_ns=30)
    assert np.isfinite(found.model).all()
    assert not [term for term in found.terms if term.claimed]


def test_the_same_samples_give_the_same_intervals():
    by_term = counts("system", with_a_page_less(SIZES), TRUE)
    drawn = times(by_term, TRUE, seed=10)
    assert fit(by_term, drawn).terms == fit(by_term, drawn).terms
