# SPDX-License-Identifier: MIT
"""The first cell of a notebook: BokehJS from this machine, and what works here."""

from __future__ import annotations

import base64
import gzip
import importlib.metadata
import json
import sys
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokeh.models import LayoutDOM

# Figures, sliders inside figures, tables: what the views use.
COMPONENTS = ("bokeh", "bokeh-widgets", "bokeh-tables")
LOAD_TIMEOUT_MS = 5000

# Bokeh's own output gives up where BokehJS is missing, and JupyterLab then shows
# "Javascript Error: timeout": in every page that was reloaded. This one says what
# to do, and waits: it is drawn as soon as the notebook's first cell has run. A
# cell that is run again takes the documents of its last run out of the page.
_ASLEEP = "A figure is here when the notebook runs: run all cells."
_DRAW_HTML = """<div class="hk-show">ASLEEP</div><script>
(() => {
  const host = document.currentScript.previousElementSibling
  const [cell, run] = [CELL, RUN]
  const packed = Uint8Array.from(atob("ITEM"), (c) => c.charCodeAt(0))
  const sweep = () => {
    for (const old of [...Bokeh.documents]) {
      const [kind, its_cell, its_run] = old.roots()[0]?.tags ?? []
      if (kind !== "hk.show" || its_cell !== cell || its_run === run)
        continue
      for (const view of [...Bokeh.index.roots])
        if (view.model.document === old) view.remove()
      Bokeh.documents.splice(Bokeh.documents.indexOf(old), 1)
    }
  }
  const embed = async () => {
    const unpack = new DecompressionStream("gzip")
    const plain = new Blob([packed]).stream().pipeThrough(unpack)
    const item = await new Response(plain).json()
    if (!host.isConnected)
      return
    sweep()
    host.replaceChildren()
    await Bokeh.embed.embed_item(item, host)
  }
  const draw = () => {
    if (!window.Bokeh?.embed)
      return false
    embed()
    return true
  }
  if (!draw()) {
    const again = setInterval(() => { if (draw()) clearInterval(again) }, 250)
  }
})()
</script>"""


def init(*, keep: bool = False) -> None:
    """Load BokehJS into the page, offline; once per notebook and page.

    ``bokeh.io.output_notebook()`` asks a CDN, and its inline form writes 8 MB
    into the notebook. Here the script leaves the document as soon as it has
    run; with ``keep`` it stays, for notebooks whose figures are to be drawn
    without a kernel. Outside IPython this does nothing.
    """
    from IPython import get_ipython

    if get_ipython() is None:
        return
    try:
        _load(keep=keep)
    except (ImportError, AttributeError, TypeError):
        # Bokeh moved what _load() takes from its inside: larger, but it works.
        from bokeh.io import output_notebook
        from bokeh.resources import INLINE

        output_notebook(INLINE, hide_banner=True)


def _load(*, keep: bool) -> None:
    import bokeh.io.notebook as inside
    from bokeh.embed.bundle import bundle_for_objs_and_resources
    from bokeh.io.state import curstate
    from bokeh.resources import Resources
    from IPython.display import display

    resources = Resources(mode="inline", components=list(COMPONENTS))
    bundle = bundle_for_objs_and_resources(None, resources)
    script = inside._loading_js(bundle, None, LOAD_TIMEOUT_MS, register_mime=False)  # noqa: SLF001
    said = {"text/plain": "BokehJS: loaded from this machine"}
    shown = {inside.LOAD_MIME_TYPE: script, **said}
    inside._NOTEBOOK_LOADED = resources  # noqa: SLF001  # show() asks it
    state = curstate()
    state._notebook_type = "jupyter"  # noqa: SLF001
    state._notebook = True  # noqa: SLF001
    handle = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
    if not keep:
        handle.update(said, raw=True)


def draw(layout: LayoutDOM) -> None:
    """Show ``layout`` below the cell that runs; no kernel is needed afterwards."""
    from bokeh.core.json_encoder import serialize_json
    from bokeh.embed import json_item
    from IPython.display import display

    cell, run = cell_id() or uuid.uuid4().hex, _message_id()
    layout.tags = ["hk.show", cell, run]
    item = json_item(layout)
    # A third of the size in the saved notebook, and nothing that ends a script.
    packed = gzip.compress(serialize_json(item).encode(), mtime=0)
    shown = (
        _DRAW_HTML.replace("ASLEEP", _ASLEEP)
        .replace("CELL", json.dumps(cell))
        .replace("RUN", json.dumps(run))
        .replace("ITEM", base64.b64encode(packed).decode())
    )
    said = {"text/html": shown, "text/plain": _ASLEEP}
    display(said, raw=True)  # type: ignore[no-untyped-call]


def cell_id() -> str:
    """Of the cell that runs, as JupyterLab and VS Code name it; "" elsewhere."""
    return str(_request().get("metadata", {}).get("cellId", ""))


def _message_id() -> str:
    return str(_request().get("header", {}).get("msg_id", ""))


def _request() -> dict[str, Any]:
    """The message by which the running cell was sent."""
    from IPython import get_ipython

    parent: dict[str, Any] = getattr(get_ipython(), "get_parent", dict)()
    return parent


@dataclass(frozen=True)
class Finding:
    """One thing that notebooks need, and whether it is there."""

    what: str
    works: bool
    why: str


def check() -> tuple[Finding, ...]:
    """What works here and what does not; also printed, a line each."""
    findings = (_kernel(), *(_package(*need) for need in _NEEDED))
    for finding in findings:
        mark = "yes" if finding.works else "NO"
        sys.stdout.write(f"{mark:>4}  {finding.what}: {finding.why}\n")
    return findings


_NEEDED = (
    ("figures", "bokeh"),
    ("sliders and panels", "ipywidgets"),
    ("figures that follow sliders", "jupyter_bokeh"),
    ("JupyterLab", "jupyterlab"),
)


def _kernel() -> Finding:
    from IPython import get_ipython

    shell = get_ipython()
    if getattr(shell, "kernel", None) is None:
        why = "no Jupyter kernel: explorers need one, to_html() and to_png() do not"
        return Finding("kernel", works=False, why=why)
    return Finding("kernel", works=True, why="a Jupyter kernel runs this")


def _package(what: str, package: str) -> Finding:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return Finding(what, works=False, why=f"pip install {package}")
    return Finding(what, works=True, why=f"{package} {version}")
