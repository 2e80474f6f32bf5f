# SPDX-License-Identifier: MIT
"""``make docs``: executed notebooks as pages that ask no network for anything."""

import re

import bokeh
import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from docs import build

DRAW = """
from bokeh.plotting import figure, output_notebook, show
output_notebook()
plot = figure(name="line", width=300, height=200)
line = plot.line([1, 2], [1, 3])
show(plot)
"""
SLIDER = "import ipywidgets\nipywidgets.IntSlider()"


def notebook(path, *cells):
    title = new_markdown_cell("# What is drawn?\n\nOne line, on `one` page.")
    book = new_notebook(cells=[title, *(new_code_cell(cell) for cell in cells)])
    nbformat.write(book, path)
    return path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    path = notebook(out / "00_drawn.ipynb", DRAW, SLIDER)
    build.main([str(path), "--out", str(out)])
    return out


def test_page_loads_no_script_and_no_style_from_elsewhere(site):
    page = (site / "00_drawn.html").read_text()
    tags = re.findall(r"<(?:script|link)\b[^>]*>", page)
    assert not [tag for tag in tags if re.search(r'(?:src|href)="(https?:)?//', tag)]


def test_page_has_the_figure_and_what_draws_it(site):
    page = (site / "00_drawn.html").read_text()
    assert "Bokeh" in page
    assert '"name":"line"' in page.replace("\\", "").replace(": ", ":")


def test_page_does_not_load_bokehjs_from_its_content_network(site):
    page = (site / "00_drawn.html").read_text()
    assert f"/bokeh-{bokeh.__version__}.min.js" not in page


def test_page_says_where_a_widget_would_be(site):
    page = (site / "00_drawn.html").read_text()
    assert build.NEEDS_KERNEL in page


def test_index_lists_notebooks_with_their_lead_and_the_prose(site):
    index = (site / "index.html").read_text()
    assert 'href="00_drawn.html"' in index
    assert "What is drawn?" in index
    assert "<code>one</code>" in index
    for target in re.findall(r'href="([^":]+)"', index):
        assert (site / target).exists(), target


def test_cell_that_fails_stops_the_build(tmp_path):
    path = notebook(tmp_path / "00_fails.ipynb", "1 / 0")
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        build.main([str(path), "--out", str(tmp_path)])


def test_every_picture_of_a_guide_is_within_its_page(site):
    for name in ("explorers", "performance"):
        page = (site / f"{name}.html").read_text()
        pictures = re.findall(r'<img[^>]*src="([^"]{0,30})', page)
        assert pictures
        assert all(address.startswith("data:image/png;base64,") for address in pictures)


def test_every_link_between_guides_leads_to_a_page(site):
    for page in site.glob("[a-z]*.html"):
        for address in re.findall(r'href="([\w-]+\.html)"', page.read_text()):
            assert (site / address).exists(), (page.name, address)
