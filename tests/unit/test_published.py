# SPDX-License-Identifier: MIT
"""Published figures: read once, each with unit, conditions and source."""

import pytest

from heapkit import published


def test_every_figure_has_unit_conditions_and_source():
    assert len(published.figures()) > 25
    for name, figure in published.figures().items():
        assert figure.name == name
        assert figure.unit
        assert figure.conditions
        assert figure.source


def test_every_source_that_refers_to_another_figure_finds_it():
    for figure in published.figures().values():
        if figure.source.startswith("as "):
            first = figure.source.removeprefix("as ").split(",")[0]
            assert first in published.figures()


def test_an_unknown_figure_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'nope'; allowed: .*face_unlock\.time"):
        published.figure("nope")


def test_the_face_unlock_is_as_recorded():
    pages = published.figure("face_unlock.pages").value
    mappings = published.figure("face_unlock.mappings").value
    assert pages * 4096 == 25.75 * 2**20
    assert mappings / published.figure("face_unlock.migrated").value == pytest.approx(
        131, abs=0.5
    )


def test_the_gcma_table_has_two_series_of_eight_sizes():
    rows = published.gcma_rows()
    assert [row.series for row in rows] == ["v1"] * 8 + ["v2"] * 8
    last = rows[-1]
    assert (last.pages, last.cma["max"], last.gcma["avg"]) == (
        32000,
        3_910_423_000,
        44_675_000,
    )


def test_the_idle_reports_are_seven_large_and_three_small_ones():
    reports = published.idle_cma_reports()
    assert [pages for pages, _ in reports] == [97525] * 7 + [4, 64, 1]
    assert reports[-1] == (1, 311_000)


def test_the_decoder_table_has_24_cells():
    cells = published.decoder_sizes()
    assert len(cells) == 24
    first = cells[0]
    assert (first.height, first.chroma, first.depth, first.codec) == (
        2160,
        "422",
        10,
        "avc",
    )
    assert first.megabytes == 665


@pytest.mark.parametrize(("height", "total"), [(720, 137), (1080, 258), (2160, 665)])
def test_the_decoders_buffers_add_up_to_their_column(height, total):
    buffers = published.decoder_buffers()
    held = sum(b.count[height] * b.megabytes[height] for b in buffers)
    assert held == pytest.approx(total, rel=0.01)
