# SPDX-License-Identifier: MIT
"""A real CMA area, captured in a guest and opened here, under a user's hands."""

import pytest

from tests.ui.lab import Notebook, write_notebook

READ = """
moments = ("1_idle", "2_full", "3_after_frees")
roots = [hk.sample(f"captures/cma_64m/{moment}") for moment in moments]
frames = [hk.introspect(root).cma["reserved"] for root in roots]
"""
CELLS = [
    "import heapkit as hk\nhk.notebook.init()",
    READ.strip(),
    "panel = hk.explore.carveout(frames)\npanel",
]
ROWS = "(m.data instanceof Map ? m.data.get('left') : m.data.left).length"


@pytest.fixture(scope="module")
def area(window, lab, pictures):
    address, folder = lab
    path = folder / "area.ipynb"
    write_notebook(path, CELLS)
    notebook = Notebook(window, address, path, pictures)
    notebook.run_all()
    notebook.wait_for_picture()
    yield notebook
    notebook.close()


def test_the_strip_has_every_region_and_hole_of_the_kernels_bitmap(area):
    area.picture("area")
    assert area.model("hk_strip", ROWS) == 17
    assert area.model("hk_strip_x", "m.end") == 64 * 2**20


def test_stepping_back_shows_the_moment_before(area):
    area.slider("moment").locator(".noUi-handle").focus()
    area.page.keyboard.press("ArrowLeft")
    area.wait_for("hk_cursor", "m.location === 1")
    area.page.keyboard.press("ArrowLeft")
    area.wait_for("hk_cursor", "m.location === 0")
    area.settle()
    assert area.model("hk_strip", ROWS) == 1


def test_nothing_is_asked_outside_and_nothing_complains(area):
    assert area.outside == []
    assert area.complaints == []
