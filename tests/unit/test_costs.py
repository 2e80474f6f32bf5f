# SPDX-License-Identifier: MIT
import re
from pathlib import Path

import pytest

import heapkit as hk
from heapkit.costs import NAMES, STATUSES

HEADER = Path(__file__).parents[2] / "native/include/heapkit_abi.h"


def test_the_names_are_the_fields_of_the_c_struct():
    body = re.search(r"struct hk_costs \{(.*?)\n\};", HEADER.read_text(), re.DOTALL)
    assert tuple(re.findall(r"double (\w+);", body[1])) == NAMES


def test_every_cost_has_unit_source_and_a_known_status():
    for name, cost in hk.Costs.default().items():
        assert cost.name == name
        assert cost.unit
        assert cost.source
        assert cost.status in STATUSES


def test_only_cma_has_published_numbers():
    known = {c.name for c in hk.Costs.default().values() if c.status != "assumed"}
    assert known == {"cma_call", "cma_page", "migrate_page"}


def test_the_face_unlock_allocation_takes_what_was_measured():
    # google/perfetto: 6592 pages, 6365 of them migrated, 110.15 ms.
    ns = {name: cost.value for name, cost in hk.Costs.default().items()}
    took = ns["cma_call"] + 6592 * ns["cma_page"] + 6365 * ns["migrate_page"]
    assert took == pytest.approx(110.15e6, rel=1e-3)


def test_without_the_barrier_mapping_4_kib_entries_costs_two_thirds_less():
    # linux-arm-kernel 2025-10, batched DSB: dma_map_sg of 10 MB takes 64.61 % less.
    ns = {name: cost.value for name, cost in hk.Costs.default().items()}
    lines = 4096 / ns["line_bytes"] * ns["clean_line"] + ns["map_entry"]
    assert ns["sync_entry"] / (lines + ns["sync_entry"]) == pytest.approx(
        0.646, abs=0.02
    )


def test_replace_changes_value_and_status():
    costs = hk.Costs.default().replace(clean_line=7.5, status="measured here")
    assert costs["clean_line"].value == 7.5
    assert costs["clean_line"].status == "measured here"
    assert costs["sync_entry"] == hk.Costs.default()["sync_entry"]


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "x", None, True])
def test_replace_refuses_what_is_no_cost(value):
    with pytest.raises(ValueError, match="clean_line="):
        hk.Costs.default().replace(clean_line=value)


def test_replace_refuses_an_unknown_name_with_the_known_ones():
    with pytest.raises(ValueError, match=r"nope=1; allowed: .*clean_line"):
        hk.Costs.default().replace(nope=1)


def test_replace_refuses_an_unknown_status():
    with pytest.raises(ValueError, match="status='guessed'"):
        hk.Costs.default().replace(clean_line=1, status="guessed")


@pytest.mark.parametrize("value", [0, 48, 8192])
def test_a_cache_line_is_a_power_of_two(value):
    with pytest.raises(ValueError, match="line_bytes="):
        hk.Costs.default().replace(line_bytes=value)


def test_costs_are_hashable_and_equal_by_content():
    default = hk.Costs.default()
    assert default.replace(clean_line=1) == default.replace(clean_line=1)
    assert hash(default.replace(clean_line=1)) == hash(default.replace(clean_line=1))
    assert default.replace(clean_line=1) != default


@pytest.mark.parametrize("kind", [KeyError, ValueError])
def test_a_missing_cost_is_a_key_error_that_lists_the_costs(kind):
    with pytest.raises(kind, match=r"'nope'; allowed: .*clean_line"):
        hk.Costs.default()["nope"]
    assert "nope" not in hk.Costs.default()


def test_an_incomplete_set_is_refused():
    with pytest.raises(ValueError, match="names="):
        hk.Costs(tuple(hk.Costs.default().values())[:-1])


def test_the_html_says_what_is_assumed():
    shown = hk.Costs.default()._repr_html_()
    assumed = [c for c in hk.Costs.default().values() if c.status == "assumed"]
    assert shown.count("<em>assumed</em>") == len(assumed)
    assert ">published</td>" in shown
