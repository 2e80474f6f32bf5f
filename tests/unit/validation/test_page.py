# SPDX-License-Identifier: MIT
"""docs/validation.md is what the generator writes, and says what it must."""

from pathlib import Path

import pytest
from PIL import Image

import heapkit as hk
from heapkit.validation.page import HEADINGS

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture(scope="module")
def page():
    return hk.validation.markdown_page(hk.validation.validate())


def test_the_committed_page_is_the_generators(page):
    assert (DOCS / "validation.md").read_text() == page


def test_the_page_has_its_sections_in_order(page):
    found = [line for line in page.splitlines() if line.startswith("## ")]
    assert found == list(HEADINGS)


def test_every_assumed_constant_is_listed(page):
    listed = page[page.index(HEADINGS[4]) : page.index(HEADINGS[5])]
    for name, cost in hk.Costs.default().items():
        assert (f"| `{name}` |" in listed) == (cost.status == "assumed")


def test_every_figure_is_shown_with_its_residual(page):
    for row in hk.validation.validate().rows:
        assert f"{row.target}: {row.what}" in page


def test_the_picture_is_there_and_has_something_in_it():
    with Image.open(DOCS / "images" / "validation.png") as image:
        assert image.size[0] == 800
        assert len(image.convert("RGB").getcolors(10**6)) > 10
