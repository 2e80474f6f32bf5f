# SPDX-License-Identifier: MIT
"""Every target, computed: kinds, orders, presets, and what may not be claimed."""

import numpy as np
import pytest

import heapkit as hk
from heapkit.published import figure, gcma_rows
from heapkit.validation import barriers, decoder, deferred, gcma, migration, tail
from heapkit.validation.fit import values


@pytest.fixture(scope="module")
def result():
    return hk.validation.validate()


def preset(name):
    return {constant: cost.value for constant, cost in hk.Costs.preset(name).items()}


# --- What a prediction may rest on -------------------------------------------


def test_no_prediction_used_its_own_figure(result):
    for row in result.rows:
        used = {name for found in row.fits for name in found.on}
        assert bool(used & set(row.figures)) == (row.kind == "fit") or row.given


def test_the_time_of_the_face_unlock_is_in_no_fit(result):
    rows = [row for row in result.rows if row.figures == ("face_unlock.time",)]
    assert rows
    assert {row.kind for row in rows} == {"prediction"}
    assert not [found for found in result.fits if "face_unlock.time" in found.on]


def test_both_kinds_and_missed_aims_are_shown(result):
    assert {row.kind for row in result.rows} == {"prediction", "fit", "given"}
    assert result.missed


def test_twice_computed_is_the_same(result):
    again = [row for part in hk.validation.TARGETS for row in part.rows()]
    assert again == list(result.rows)


# --- GCMA's table --------------------------------------------------------------


def test_cma_is_far_above_gcma_and_gcma_above_a_carveout():
    took = gcma.ranked(32000)
    assert took["CMA"] > 10 * took["GCMA"] > 10 * took["carveout"]


@pytest.mark.parametrize("series", gcma.SERIES)
def test_a_series_is_predicted_from_the_other(result, series):
    rows = [r for r in result.rows if r.what.endswith(f"({series})") and r.fits]
    assert rows
    for row in rows:
        if row.target.startswith(("CMA", "GCMA")) and "left out" not in row.target:
            assert not [k for f in row.fits for k in f.on if f".{series}." in k]


def test_the_floor_lies_between_three_and_four_tenths_of_a_millisecond():
    for series in gcma.SERIES:
        assert 0.3e6 < values(gcma.machine(series).idle)["cma_call"] < 0.4e6


def test_the_model_charges_each_page_of_a_full_area():
    charged = gcma.charges(512, lent=True, discard=False)
    assert charged == {"cma_call": 1, "cma_page": 512, "migrate_page": 512}
    charged = gcma.charges(512, lent=True, discard=True)
    assert charged == {"cma_call": 1, "cma_page": 512, "discard_page": 512}
    assert gcma.charges(512, lent=False, discard=False)["migrate_page"] == 0


def test_the_presets_of_the_cubox_are_these_fits():
    machine = gcma.machine(*gcma.SERIES)
    for constants, name in ((machine.cma, "cubox-i4"), (machine.gcma, "cubox-i4-gcma")):
        for constant, value in constants.items():
            assert preset(name)[constant] == pytest.approx(value, rel=1e-3), constant


def test_each_row_left_out_is_predicted_by_the_other_fifteen(result):
    rows = [row for row in result.rows if "left out" in row.target]
    assert len(rows) == len(gcma_rows())
    for row in rows:
        assert len(row.fits[-1].on) == len(rows) - 1


def test_the_tail_comes_from_a_seed():
    times = tail.attempts("v1")
    assert len(times) == tail.ROUNDS
    assert (times > 0).all()
    tail.attempts.cache_clear()
    assert np.array_equal(tail.attempts("v1"), times)


# --- Moving and discarding -------------------------------------------------------


def test_the_face_unlock_is_charged_what_was_counted():
    assert migration.face_unlock_counts() == {
        "cma_call": 1,
        "cma_page": figure("face_unlock.pages").value,
        "migrate_page": figure("face_unlock.migrated").value,
        "unmap_mapping": figure("face_unlock.mappings").value,
    }


@pytest.mark.parametrize("name", ["phone-2021", "default"])
def test_the_preset_that_was_fitted_on_the_face_unlock_gives_it(name):
    charged = migration.face_unlock_counts()
    costs = preset(name)
    took = sum(costs[constant] * n for constant, n in charged.items())
    assert took == pytest.approx(figure("face_unlock.time").value, rel=1e-3)


def test_a_mapping_costs_what_was_assumed_for_the_prediction():
    cost = hk.Costs.default()["unmap_mapping"]
    assert cost.value == migration.UNMAP_MAPPING
    assert cost.status == "assumed"


@pytest.mark.parametrize(
    ("constant", "name"), [("migrate_page", "migrated"), ("discard_page", "discarded")]
)
def test_the_preset_of_qemu_gives_its_ten_mib(constant, name):
    costs = preset("qemu-2012")
    pages = figure("clean_pages.bytes").value / 4096
    took = costs["cma_call"] + pages * (costs["cma_page"] + costs[constant])
    assert took == pytest.approx(figure(f"clean_pages.{name}").value, rel=1e-3)


def test_the_defaults_stand_in_the_published_ratios():
    costs = preset("default")
    migrated, discarded = (
        figure(f"clean_pages.{name}").value for name in ("migrated", "discarded")
    )
    small, large = (figure(f"clear_page.{n}").value for n in ("small", "large"))
    by_page, by_entry = (
        figure(f"mmap_chunks.{n}").value / 131072 for n in ("by_page", "by_entry")
    )
    entry = (by_page - by_entry) * 256 / 255  # of 256 pages; by_page has one each
    ratios = {
        ("migrate_page", "discard_page"): migrated / discarded,
        ("zero_page", "zero_page_1m"): large / small,
        ("uncached_read_line", "cpu_read_line"): figure("uncached_read.zynq").value,
        ("mmap_entry", "mmap_page"): entry / (by_page - entry),
    }
    for (above, below), ratio in ratios.items():
        assert costs[above] / costs[below] == pytest.approx(ratio, rel=5e-3), above


# --- Barriers, decoders, deferred free -------------------------------------------


def test_the_barrier_is_fitted_on_the_map_and_predicts_the_unmap():
    mapped, unmapped, large = barriers.rows()
    assert (mapped.kind, unmapped.kind, large.kind) == (
        "fit",
        "prediction",
        "prediction",
    )
    assert mapped.residual == pytest.approx(0, abs=1e-3)
    assert all(row.met for row in barriers.rows())
    for name in ("default", "dimensity-9500"):
        fitted = barriers.ratio_fit().value
        assert preset(name)["sync_entry"] == pytest.approx(fitted, rel=1e-3)


def test_a_4k_decoder_is_within_the_aim_and_amds_example_is_a_fit():
    rows = decoder.rows()
    assert len(rows) == 24
    assert [row.kind for row in rows].count("fit") == 3
    assert all(row.met for row in rows if row.what.startswith("2160p"))


def test_the_exynos_case_is_exact():
    assert deferred.exynos_places(deferred=True) == (6, 0, deferred.REFUSED)
    assert deferred.exynos_places(deferred=False) == (0, 3, 7)


def test_the_phone_gets_its_memory_back_without_zeroing():
    trace, board = deferred.phone()
    assert deferred.zeroed_pages(trace, board) == 0
    run = hk.replay(trace, board, check_every=1)
    assert not run["status"].any()
    assert run["deferred_bytes"][deferred.WAITING] == 630_575_104
