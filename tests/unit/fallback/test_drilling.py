# SPDX-License-Identifier: MIT
"""The camera-boot drill: the same requests on both sides, and its numbers."""

from __future__ import annotations

import pytest

import heapkit as hk
from heapkit import fallback


@pytest.fixture(scope="module")
def drill():
    return fallback.drill(hk.Board.preset("phone-8g"), launches=4)


def test_drill_asks_both_sides_the_same(drill):
    table = drill.to_frame()
    assert list(table.index) == ["dma-heaps", "ION"]
    assert table["requests"].nunique() == 1
    assert (table["failures"] == 0).all()
    assert (table["fallbacks"] > 0).all()


def test_drill_counts_what_fell_back_in_pieces(drill):
    table = drill.to_frame()
    assert (table["entries"] > 10 * table["entries_first"]).all()
    assert (table["sync_ns"] > table["sync_first_ns"]).all()
    assert (table["attach_ns"] > table["attach_first_ns"]).all()


def test_drill_agrees_with_its_runs(drill):
    for side in (drill.dma_heaps, drill.ion):
        totals = side.totals()
        assert totals["fallbacks"] == side.run.summary()["fallbacks"]
        assert totals["fallbacks"] == len(side.buffers)
        assert totals["size"] == side.costs["size"].sum()
        assert side.ample.summary()["fallbacks"] == 0


def test_drill_is_the_same_again(drill):
    again = fallback.drill(hk.Board.preset("phone-8g"), launches=4)
    assert again.to_frame().equals(drill.to_frame())


def test_ion_makes_its_allocations_without_clearing_memory(drill):
    table = drill.to_frame()
    assert table.allocate_p50_ns["ION"] < table.allocate_p50_ns["dma-heaps"] / 10


def test_drill_takes_ids_that_turn_the_order_around():
    board = hk.Board.preset("phone-8g")
    ids = {"camera": 0, "system-pooled": 4}
    turned = fallback.drill(board, launches=1, ids=ids)
    assert turned.ion.totals()["fallbacks"] == 0
    assert turned.ion.run.summary()["served_by_heap"]["camera"] == 0


def test_drill_shows_itself(drill):
    html = drill._repr_html_()
    totals = drill.ion.totals()
    assert "<th>dma-heaps</th><th>ION</th>" in html
    assert f"{totals['entries']} ({totals['entries_first']})" in html
