# SPDX-License-Identifier: MIT
"""A page of ``make docs`` in a real browser: it draws, and asks no one."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from docs import build

DRAW = """
import heapkit as hk
from bokeh.plotting import figure, show
hk.notebook.init()
plot = figure(name="line", width=300, height=200)
line = plot.line([1, 2], [1, 3])
show(plot)
hk.show(hk.read(hk.sample("rk_dma_heap_alloc_map_rv1106")))
"""
DRAWN = """() => ["line", "hk_snapshot"].every((name) =>
  window.Bokeh?.documents.some((d) => d.get_model_by_name(name)))"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    cells = [new_markdown_cell("# What is drawn?"), new_code_cell(DRAW)]
    nbformat.write(new_notebook(cells=cells), out / "00_drawn.ipynb")
    build.main([str(out / "00_drawn.ipynb"), "--out", str(out)])
    return (out / "00_drawn.html").as_uri()


@pytest.fixture
def tab(window):
    tab = window.context.browser.new_page()
    yield tab
    tab.close()


def test_page_draws_its_figure_without_asking_anyone(tab, address):
    asked, complaints = [], []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.goto(address)
    tab.wait_for_function(DRAWN, timeout=30_000)
    tab.wait_for_selector("canvas", state="visible")
    tab.wait_for_selector(".hk-show .bk-Figure", state="visible")
    assert not complaints
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {address}
