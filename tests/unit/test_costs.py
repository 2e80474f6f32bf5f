# SPDX-License-Identifier: MIT
import re
from pathlib import Path

import pytest

import heapkit as hk
from heapkit.costs import DOUBTFUL, NAMES, STATUSES

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


def test_what_is_published_or_fitted_is_known():
    costs = hk.Costs.default()
    known = {c.name: c.status for c in costs.values() if c.status != "assumed"}
    assert known == {
        "cma_call": "published",
        **dict.fromkeys(("cma_page", "migrate_page", "discard_page"), "fitted"),
        **dict.fromkeys(("zero_page_1m", "sync_entry", "mmap_entry"), "fitted"),
        "uncached_read_line": "fitted",
    }


def test_an_assumed_cost_says_so_in_its_source():
    for cost in hk.Costs.default().values():
        if cost.status == "assumed" and cost.name != "line_bytes":
            assert "assumed" in cost.source, cost.name


# --- Presets and mappings ------------------------------------------------------


def test_the_first_preset_is_the_default():
    assert hk.Costs.presets()[0] == "default"
    assert hk.Costs.preset("default") == hk.Costs.default()


@pytest.mark.parametrize("name", hk.Costs.presets()[1:])
def test_a_preset_changes_something_and_says_why(name):
    default, costs = hk.Costs.default(), hk.Costs.preset(name)
    changed = [cost for cost in costs.values() if cost != default[cost.name]]
    assert changed
    for cost in changed:
        assert cost.source
        assert cost.status in STATUSES
        assert cost.unit == default[cost.name].unit
    assert {cost.status for cost in changed} != {"assumed"}


@pytest.mark.parametrize("name", ["nope", None, ""])
def test_an_unknown_preset_is_refused_with_the_known_ones(name):
    with pytest.raises(ValueError, match=r"name=.*cubox-i4"):
        hk.Costs.preset(name)


def test_a_board_takes_a_preset():
    board = hk.Board.preset("phone-8g").replace({"costs": hk.Costs.preset("zcu102")})
    assert board.costs["uncached_read_line"].value == 492


def numbers():
    return {name: cost.value for name, cost in hk.Costs.default().items()}


def test_a_mapping_of_numbers_makes_costs():
    costs = hk.Costs.from_mapping(numbers() | {"clean_line": 9}, status="measured here")
    assert costs["clean_line"].value == 9
    assert {cost.status for cost in costs.values()} == {"measured here"}


def test_a_mapping_may_hold_costs_with_their_sources():
    assert hk.Costs.from_mapping(hk.Costs.default()) == hk.Costs.default()


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_constant_is_refused_by_name(name):
    values = {key: value for key, value in numbers().items() if key != name}
    with pytest.raises(ValueError, match=f"{name}='missing'"):
        hk.Costs.from_mapping(values)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [-1, float("nan")])
def test_a_constant_that_is_no_cost_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=f"{name}="):
        hk.Costs.from_mapping(numbers() | {name: value})


def test_an_unknown_constant_is_refused_by_name():
    with pytest.raises(ValueError, match="nope=1"):
        hk.Costs.from_mapping(numbers() | {"nope": 1})
    cost = hk.Costs.default()["clean_line"]
    with pytest.raises(ValueError, match="sync_entry="):
        hk.Costs.from_mapping({**numbers(), "sync_entry": cost})


def test_what_is_no_mapping_is_refused():
    with pytest.raises(ValueError, match="a mapping"):
        hk.Costs.from_mapping([1, 2])


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


@pytest.mark.parametrize("status", DOUBTFUL)
def test_what_is_doubtful_stands_out_in_a_notebook(status):
    page = hk.Costs.default().replace(cma_call=7, status=status)._repr_html_()
    assert f"<em>{status}</em>" in page
