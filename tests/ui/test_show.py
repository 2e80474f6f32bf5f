# SPDX-License-Identifier: MIT
"""Figures of ``hk.show`` in a real JupyterLab: run again, saved, reloaded."""

import pytest

from tests.ui.lab import Notebook, write_notebook

CELLS = [
    "import heapkit as hk\nhk.notebook.init()",
    "trace = hk.workloads.camera_boot(seed=1)",
    'run = hk.replay(trace, hk.Board.preset("phone-8g"), breakdown=True)',
    "hk.show(run)\nhk.show(run)",
    'hk.show(run, what="breakdown")',
]
FIGURES = ".hk-show .bk-Figure canvas"


@pytest.fixture(scope="module")
def shown(window, lab, pictures):
    address, folder = lab
    path = folder / "show.ipynb"
    write_notebook(path, CELLS)
    notebook = Notebook(window, address, path, pictures)
    notebook.run_all()
    yield notebook
    notebook.close()


def wait_for_figures(notebook, count):
    notebook.page.wait_for_function(
        f"() => document.querySelectorAll('.hk-show > .bk-Column').length === {count}"
    )


def test_every_figure_of_a_cell_is_drawn(shown):
    wait_for_figures(shown, 3)
    shown.page.locator(FIGURES).first.wait_for(state="attached")
    assert shown.documents() == 3
    assert (shown.outside, shown.complaints) == ([], [])


def test_a_cell_that_is_run_again_leaves_no_document_behind(shown):
    for _ in range(5):
        shown.run_again(3)
        wait_for_figures(shown, 3)
    shown.page.wait_for_timeout(300)
    assert shown.documents() == 3


# The last one: it reloads the page.
def test_a_reloaded_page_says_what_to_do_and_does_so_after_the_first_cell(shown):
    assert shown.save() <= 100_000
    shown.reload()
    host = shown.page.locator(".hk-show").first
    host.wait_for(state="attached")
    shown.page.wait_for_timeout(1500)
    shown.picture("show-reloaded")
    assert "run all cells" in host.inner_text()
    assert "Javascript Error" not in shown.page.locator(".jp-Notebook").inner_text()
    shown.run_again(0)
    wait_for_figures(shown, 3)
    shown.picture("show-again")
    assert shown.complaints == []
