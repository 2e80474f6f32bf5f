# SPDX-License-Identifier: MIT
"""The notebooks that we ship, as a newcomer runs them: open, run all, save."""

import shutil
from pathlib import Path

import pytest

from tests.ui.lab import Notebook

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("[0-9]*"))
SMALL = 100_000


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem, scope="module")
def shipped(request, window, lab, pictures):
    """A notebook of ours, run to its end in a real JupyterLab."""
    address, folder = lab
    path = Path(shutil.copy(request.param, folder))
    notebook = Notebook(window, address, path, pictures)
    notebook.run_all()
    yield notebook
    notebook.close()


def test_it_asks_nobody_outside_and_nothing_complains(shipped):
    shipped.page.wait_for_timeout(1000)
    shipped.picture(shipped.path.stem)
    assert shipped.outside == []
    assert shipped.complaints == []


def test_its_figures_are_drawn(shipped):
    figures = shipped.page.locator(".jp-OutputArea .bk-Figure")
    if "hk.show" in shipped.path.read_text() or "explore" in shipped.path.read_text():
        figures.first.wait_for(state="attached", timeout=20_000)


def test_it_is_small_when_saved(shipped):
    assert shipped.save() <= SMALL
