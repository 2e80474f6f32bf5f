# SPDX-License-Identifier: MIT
"""One Bokeh layout in a widget that answers, and that cleans up after itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bokeh.document import Document
from bokeh.events import DocumentReady
from bokeh.models import CustomJS, LayoutDOM, Range1d
from jupyter_bokeh.widgets import BokehModel

# Two frames: Bokeh paints in the first one after a change of its data.
_ANSWER_JS = """
const number = root.tags[1]
requestAnimationFrame(() => requestAnimationFrame(() => { seen.end = number }))
"""
# A cell that is run again gets a new document for its new output, and nothing
# drops the old one from Bokeh.documents: emptied or not, it stays with all that
# it holds. Only documents of this very panel that are no longer in the page go.
_SWEEP_JS = """
root.document.heapkit_panel = root.tags[0]
for (const old of [...Bokeh.documents]) {
  const mine = old.heapkit_panel === root.tags[0] && old !== root.document
  const views = [...Bokeh.index.roots].filter((view) => view.model.document === old)
  if (!mine || views.some((view) => view.el.isConnected))
    continue
  views.forEach((view) => view.remove())
  Bokeh.documents.splice(Bokeh.documents.indexOf(old), 1)
}
"""


class _Figure(BokehModel):  # type: ignore[misc]  # jupyter_bokeh is untyped
    """A BokehModel that may be closed twice, as its destructor does."""

    def close(self) -> None:
        if self.comm is not None:
            super().close()


class Pane:
    """``layout`` as a widget. ``painted(n)`` is called when picture n is seen.

    ``key`` names the panel over all runs of its cell, and over kernels.
    """

    def __init__(
        self, layout: LayoutDOM, *, key: str, painted: Callable[[int], None]
    ) -> None:
        self._layout = layout
        self._painted = painted
        self._stale = False
        layout.tags = [key, 0]
        self._seen = Range1d(start=-2, end=-1, name="hk_seen")
        args = {"root": layout, "seen": self._seen}
        layout.js_on_change("tags", CustomJS(args=args, code=_ANSWER_JS))
        self._seen.on_change("end", self._answer)
        self.document = Document()
        self.document.add_root(layout)
        ready = CustomJS(args=args, code=_SWEEP_JS + _ANSWER_JS)
        self.document.js_on_event(DocumentReady, ready)
        self.widget = _Figure(layout)
        self.widget.add_class("hk-figure")

    def send(self, number: int) -> None:
        """End the changes of one picture and ask for an answer."""
        self._layout.tags = [self._layout.tags[0], number]
        self._stale = True

    def refresh(self) -> None:
        """Make a view that is opened from now on show the present state.

        A widget's first picture is what it was made with; later changes reach
        only the views that were open.
        """
        if self._stale:
            self.widget.update_from_model(self._layout)
            self._stale = False

    def close(self) -> None:
        """Take the figure out of the page and let go of its models."""
        self._seen.remove_on_change("end", self._answer)
        self.widget.close()
        self.document.clear()

    def _answer(self, _attribute: str, _old: Any, new: Any) -> None:
        self._painted(int(new))
