# SPDX-License-Identifier: MIT
"""The first cell: BokehJS without a network, and without 8 MB in the file."""

import sys

import IPython.display
import pytest
from bokeh.plotting import figure

import heapkit as hk
from heapkit import notebook


@pytest.fixture
def displayed(monkeypatch):
    """What a kernel would show, and what it is replaced with."""
    shown = []

    class Handle:
        def update(self, data, **_):
            shown.append(data)

    def display(data, **_):
        shown.append(data)
        return Handle()

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(IPython, "get_ipython", object)
    return shown


def test_the_script_leaves_the_document_again(displayed):
    hk.notebook.init()
    loaded, left = displayed
    script = loaded["application/vnd.bokehjs_load.v0+json"]
    assert len(script) > 1_000_000
    assert "cdn.bokeh.org" not in script
    assert list(left) == ["text/plain"]


def test_the_script_stays_if_asked(displayed):
    hk.notebook.init(keep=True)
    assert len(displayed) == 1


def test_where_bokeh_has_changed_its_public_way_is_taken(displayed, monkeypatch):
    asked = []
    monkeypatch.setattr("bokeh.io.notebook._loading_js", None)
    monkeypatch.setattr("bokeh.io.output_notebook", lambda *_, **__: asked.append(1))
    hk.notebook.init()
    assert asked == [1]


def test_outside_a_notebook_nothing_happens(capsys):
    hk.notebook.init()
    assert capsys.readouterr().out == ""


def test_check_says_what_works(capsys):
    findings = {finding.what: finding for finding in hk.notebook.check()}
    assert findings["figures"].works
    assert not findings["kernel"].works
    assert len(capsys.readouterr().out.splitlines()) == len(findings)


def test_check_says_how_to_get_what_is_missing(monkeypatch):
    monkeypatch.setattr(notebook, "_NEEDED", (("a thing", "no-such-package"),))
    assert notebook.check()[1].why == "pip install no-such-package"
    assert "no-such-package" not in sys.modules


def test_a_figure_is_html_that_says_what_to_do_where_no_script_runs(displayed):
    notebook.draw(figure(name="a<b", title="</script>"))
    (shown,) = displayed
    said, script = shown["text/html"].split("</div>", 1)
    assert "run all cells" in said
    assert "run all cells" in shown["text/plain"]
    assert script.count("<") == 2
