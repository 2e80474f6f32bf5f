# SPDX-License-Identifier: MIT
"""Run the notebooks and write them as pages that ask no network for anything.

``python docs/build.py [NOTEBOOK ...] [--out docs/_site]``: each notebook is
executed in its folder; its page carries the figures' JavaScript within itself.
"""

from __future__ import annotations

import argparse
import base64
import html
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
from bokeh.resources import Resources
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html
from nbformat import NotebookNode

from heapkit import validation
from heapkit.show import figure_of
from heapkit.views.static import picture

ROOT = Path(__file__).resolve().parent.parent
BOKEH_LOADER = "application/vnd.bokehjs_load.v0+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
MOST_COLUMNS = 5  # that fit the width of prose
NEEDS_KERNEL = "An explorer is here when the notebook runs: make lab"
STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse }
.wide { font-size: 13px; width: min(96vw, 72em); position: relative;
  left: 50%; transform: translateX(-50%) }
td, th { border: 1px solid #ccc; padding: .2em .6em }
img { max-width: 100% } .anchor-link { display: none }
code, pre { background: #f4f4f4 } pre { padding: .6em; overflow-x: auto }
""".strip()


@dataclass(frozen=True)
class Page:
    """One line of the index."""

    file: str
    title: str
    lead: str


def execute(path: Path) -> NotebookNode:
    """The notebook with its outputs; a cell that fails stops the build."""
    book = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    NotebookClient(book, timeout=600, resources=resources).execute()
    return book


def without_kernel(book: NotebookNode) -> NotebookNode:
    """The notebook with what a widget falls back to: a page has no kernel.

    What loads BokehJS goes too, wherever it would load it from: the page has it.
    """
    book.metadata.pop("widgets", None)
    for cell in book.cells:
        if cell.cell_type != "code":
            continue
        cell.outputs = [
            o for o in cell.outputs if BOKEH_LOADER not in o.get("data", {})
        ]
        for output in cell.outputs:
            data = output.get("data", {})
            if data.pop(WIDGET_VIEW, None) and set(data) <= {"text/plain"}:
                data["text/plain"] = NEEDS_KERNEL
    return book


def exporter() -> HTMLExporter:
    """An exporter that points at no content network."""
    writer = HTMLExporter()
    writer.require_js_url = ""
    writer.mathjax_url = ""
    writer.mermaid_js_url = ""
    writer.widget_renderer_url = ""
    writer.jupyter_widgets_base_url = ""
    return writer


def offline(page: str) -> str:
    """The page with BokehJS inside, and without scripts from elsewhere."""
    page = re.sub(r'<script\b[^>]*\bsrc="(https?:[^"]*)?"[^>]*>\s*</script>', "", page)
    page = re.sub(
        r'<script type="module">(?:(?!</script>).)*mermaid.*?</script>',
        "",
        page,
        flags=re.DOTALL,
    )
    scripts = Resources(mode="inline").render()
    return page.replace("</head>", f"{scripts}\n</head>", 1)


def lead(book: NotebookNode) -> tuple[str, str]:
    """Title and first paragraph of a notebook's first cell."""
    title, _, rest = book.cells[0].source.partition("\n")
    paragraphs = [part for part in rest.strip().split("\n\n") if part[:1] != "#"]
    return title.lstrip("# "), paragraphs[0] if paragraphs else ""


def write_notebook(path: Path, out: Path) -> Page:
    """Execute one notebook and write its page."""
    book = without_kernel(execute(path))
    title, first = lead(book)
    resources = {"metadata": {"name": title}}
    page, _ = exporter().from_notebook_node(book, resources=resources)
    (out / f"{path.stem}.html").write_text(offline(page), encoding="utf-8")
    return Page(f"{path.stem}.html", title, first)


def widened(body: str) -> str:
    """Tables of many columns may be wider than a line of prose."""

    def mark(table: re.Match[str]) -> str:
        columns = table[0].partition("</tr>")[0].count("<th")
        return table[0].replace("<table", '<table class="wide"', columns > MOST_COLUMNS)

    return re.sub(r"<table>.*?</table>", mark, body, flags=re.DOTALL)


def document(title: str, body: str) -> str:
    """A plain page."""
    head = f"<meta charset=utf-8><title>{html.escape(title)}</title>"
    return f"<!doctype html>{head}<style>{STYLE}</style>\n{widened(body)}\n"


def inlined(picture: Path) -> str:
    """The address of a picture that the page carries within itself."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


def write_prose(path: Path, out: Path) -> Page:
    """One Markdown page of docs/ as HTML."""
    text = re.sub(r"\A(?:<!--.*?-->\s*)+", "", path.read_text(encoding="utf-8"))
    title = text.splitlines()[0].lstrip("# ")
    text = re.sub(r"\]\((?:[\w.]+/)*README\.md\)", "](index.html)", text)
    text = re.sub(r"\]\((?:[\w.]+/)*([\w-]+)\.md\)", r"](\1.html)", text)
    text = re.sub(
        r"\]\((images/[\w-]+\.png)\)",
        lambda m: f"]({inlined(path.parent / m[1])})",
        text,
    )
    (out / f"{path.stem}.html").write_text(
        document(title, markdown2html(text)), encoding="utf-8"
    )
    return Page(f"{path.stem}.html", title, "")


def write_validation(docs: Path) -> None:
    """docs/validation.md and its picture, computed anew."""
    result = validation.validate()
    (docs / "validation.md").write_text(
        validation.markdown_page(result), encoding="utf-8"
    )
    drawn = picture(figure_of(result))
    (docs / "images" / "validation.png").write_bytes(drawn)


def write_index(out: Path, notebooks: list[Page], prose: list[Page]) -> None:
    """The page that lists the others."""

    def items(pages: list[Page]) -> str:
        lines = [
            f'<li><a href="{p.file}">{html.escape(p.title)}</a>'
            f"{markdown2html(p.lead) if p.lead else ''}</li>"
            for p in pages
        ]
        return "<ul>" + "\n".join(lines) + "</ul>"

    decisions = [page for page in prose if page.file[:4].isdigit()]
    guides = [page for page in prose if page not in decisions]
    body = (
        f"<h1>heapkit</h1>{items(notebooks)}"
        f"<h2>Guides</h2>{items(guides)}<h2>Decisions</h2>{items(decisions)}"
    )
    (out / "index.html").write_text(document("heapkit", body), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Build the pages that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--out", type=Path, default=ROOT / "docs/_site")
    asked = parser.parse_args(arguments)
    asked.out.mkdir(parents=True, exist_ok=True)
    paths = asked.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not asked.notebooks:
        write_validation(ROOT / "docs")
    notebooks = []
    for path in paths:
        print(f"running {path.name}", flush=True)
        notebooks.append(write_notebook(path.resolve(), asked.out))
    texts = sorted((ROOT / "docs").glob("[a-z]*.md"))
    texts += sorted((ROOT / "docs/decisions").glob("*.md"))
    write_index(asked.out, notebooks, [write_prose(p, asked.out) for p in texts])
    print(f"open {asked.out / 'index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
