# SPDX-License-Identifier: MIT
"""One Bokeh layout in a widget that answers, and that cleans up after itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bokeh.document import Document
from bokeh.document.events import DocumentPatchedEvent
from bokeh.events import DocumentReady
from bokeh.models import CustomJS, LayoutDOM, Range1d
from bokeh.protocol import Protocol
from jupyter_bokeh.widgets import BokehModel

# Bokeh paints in the next frame, which is also when the answer is given: the
# kernel works on the next picture while this one is painted.
_ANSWER_JS = """
const number = root.tags[1]
requestAnimationFrame(() => { seen.end = number })
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


# A view sends every change of its document to the kernel, those too that came
# from there: all data twice over the wire, and old data over new in a kernel that
# has moved on. Bokeh marks them "not to be synchronised"; jupyter_bokeh 4.1 does
# not look.
_NO_ECHO_JS = """
const page = root.document
const tell = page._trigger_on_change?.bind(page)
if (tell)
  page._trigger_on_change = (event) => {
    if ((event.events ?? [event]).some((part) => part.sync !== false))
      tell(event)
  }
"""


class _Figure(BokehModel):  # type: ignore[misc]  # jupyter_bokeh is untyped
    """A BokehModel that sends a picture as one message, and keeps its own data.

    The original sends three messages for each property that changes, and two for
    each column; the browser's main thread pays for every one.
    """

    def __init__(self, layout: LayoutDOM) -> None:
        self._held: list[DocumentPatchedEvent] | None = None
        super().__init__(layout)

    @contextmanager
    def one_message(self) -> Iterator[None]:
        """Send what changes inside as one patch, at the end."""
        self._held = []
        try:
            yield
        finally:
            held, self._held = self._held, None
            if held:
                self._send_patch(held)

    def close(self) -> None:
        """Also a second time, as the destructor of a widget does."""
        if self.comm is not None:
            super().close()

    def _document_patched(self, event: DocumentPatchedEvent) -> None:
        if event.setter is self:
            return
        if self._held is None:
            self._send_patch([event])
        else:
            self._held.append(event)

    def _send_patch(self, events: list[DocumentPatchedEvent]) -> None:
        # The frames of Bokeh's protocol, one widget message each, as its
        # receiver in the page wants them.
        message = Protocol().create("PATCH-DOC", events)
        for text in (message.header_json, message.metadata_json, message.content_json):
            self.send({"msg": "patch", "payload": text})
        for buffer in message.buffers:
            self.send({"msg": "patch", "payload": json.dumps(buffer.ref)})
            self.send({"msg": "patch"}, [buffer.to_bytes()])

    def _sync_model(
        self, model: Any, content: dict[str, Any], buffers: list[Any]
    ) -> None:
        # Columns are made here and nowhere else: what comes back is an echo.
        if content.get("kind") == "ModelChanged" and content.get("attr") != "data":
            super()._sync_model(model, content, buffers)


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
        ready = CustomJS(args=args, code=_SWEEP_JS + _NO_ECHO_JS + _ANSWER_JS)
        self.document.js_on_event(DocumentReady, ready)
        self.widget = _Figure(layout)
        self.widget.add_class("hk-figure")

    @contextmanager
    def picture(self, number: int) -> Iterator[None]:
        """Send what changes inside at once, and ask for an answer to it."""
        self._stale = True
        with self.widget.one_message():
            try:
                yield
            finally:
                self._layout.tags = [self._layout.tags[0], number]

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
