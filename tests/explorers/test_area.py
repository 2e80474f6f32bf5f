# SPDX-License-Identifier: MIT
"""The carveout explorer of a real area: snapshots instead of a replay."""

from dataclasses import replace

import pytest

import heapkit as hk
from heapkit import MiB

MOMENTS = ("1_idle", "2_full", "3_after_frees")


@pytest.fixture(scope="module")
def look():
    return hk.introspect(hk.sample("captures/cma_64m/3_after_frees"))


@pytest.fixture(scope="module")
def moments():
    roots = [hk.sample(f"captures/cma_64m/{moment}") for moment in MOMENTS]
    return [hk.introspect(root).cma["reserved"] for root in roots]


@pytest.fixture
def area(moments):
    panel = hk.explore.carveout(moments)
    yield panel
    panel.close()


def rows(panel, code):
    return sum(c == code for c in panel._strip.data["code"])


def test_it_opens_at_the_last_moment(area):
    assert area.error is None
    assert area.moment.value == 2
    assert "holes: 9" in area._facts.value


def test_a_moment_before_shows_the_area_as_it_was(area):
    area.state = {"moment": 0}
    assert area.error is None
    assert area._strip.data["size"].tolist() == [64 * MiB]


def test_free_memory_is_that_of_every_moment(area, moments):
    free = area._gauges.data["free"].tolist()
    assert free[:3] == [frame.free_bytes for frame in moments]


def test_an_introspection_shows_its_first_area(look):
    panel = hk.explore.carveout(look)
    assert panel.error is None
    assert panel.heap == "reserved"
    assert "pages refused: 768" in panel._facts.value
    panel.close()


def test_one_snapshot_has_no_moments_to_step_through(look):
    panel = hk.explore.carveout(look.cma["reserved"])
    assert panel.moment.max == 0
    assert "moments" not in panel.zoom
    panel.close()


def test_a_carveout_of_a_vendor_is_shown_too():
    panel = hk.explore.carveout(hk.read(hk.sample("rk_dma_heap_alloc_map_rv1106")))
    panel.state = {"colour": "owner", "page_map": True}
    assert panel.error is None
    assert bytes(panel._map.value[:4]) == b"\x89PNG"
    panel.close()


def test_state_round_trips(area):
    area.state = {"moment": 1, "colour": "owner", "page_map": True}
    state = area.state
    area.reset()
    assert area.moment.value == 2
    area.state = state
    assert area.state == state


def test_the_cell_shows_the_same_panel_with_what_is_new(moments):
    first = hk.explore.carveout(moments, name="mine")
    again = hk.explore.carveout(moments[::-1], name="mine")
    assert again is first
    assert "holes: 1 " in f"{again._facts.value} ".replace(",", " ")
    first.close()


def test_its_table_has_a_row_per_region_and_moment(area, moments):
    lines = area.to_csv().splitlines()
    assert len(lines) == 1 + sum(len(frame.regions) for frame in moments)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ([], "snapshots=.*allowed: Snapshots"),
        (["reserved"], "snapshots=.*allowed: Snapshots"),
    ],
)
def test_what_is_no_snapshot_is_named(asked, message):
    with pytest.raises(ValueError, match=message):
        hk.explore.carveout(asked)


def test_moments_of_different_areas_are_refused(moments):
    other = replace(moments[0], heap="other")
    with pytest.raises(ValueError, match="moments of one area"):
        hk.explore.carveout([moments[0], other])


def test_an_area_that_is_not_there_is_named(look):
    with pytest.raises(ValueError, match="heap='camera'; allowed: 'reserved'"):
        hk.explore.carveout(look, heap="camera")


def test_without_a_cma_area_it_says_what_would_give_one(tmp_path):
    (tmp_path / "proc").mkdir()
    with pytest.raises(ValueError, match="no CMA area was read: debugfs"):
        hk.explore.carveout(hk.introspect(tmp_path))


def test_a_snapshot_needs_no_board_and_a_trace_does(moments, trace, board):
    with pytest.raises(ValueError, match=r"board=.*allowed: none"):
        hk.explore.carveout(moments[0], board)
    with pytest.raises(ValueError, match="board=None; allowed: a Board"):
        hk.explore.carveout(trace)
