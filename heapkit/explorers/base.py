# SPDX-License-Identifier: MIT
"""What every explorer is: controls, one figure, a status line, and its manners."""

from __future__ import annotations

import base64
import threading
import time
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import ipywidgets as widgets
import pandas as pd
from bokeh.embed import file_html
from bokeh.models import LayoutDOM, Range1d
from bokeh.resources import INLINE

from heapkit.explorers import style
from heapkit.explorers.coalescer import Coalescer
from heapkit.explorers.pane import Pane
from heapkit.views.static import picture

UNDO_DEPTH = 50
# Changes of one control closer together than this are one step of undo: a drag.
DRAG_S = 1.0


class Explorer(widgets.VBox):  # type: ignore[misc]  # ipywidgets is untyped
    """A panel over what its subclass holds: a trace and a board, or snapshots.

    A subclass sets ``kind`` and ``title`` and has ``_build()``, which makes the
    controls and the figure, ``_begin()``, which fits the controls to what it holds,
    and ``_draw()``, which brings figure and facts up to the state of the controls.
    All three run under the panel's lock, on whatever thread: ipykernel delivers
    events of widgets on threads of their own.
    """

    kind: ClassVar[str]

    def __init__(self, *, heap: str, name: str) -> None:
        super().__init__()
        self.name, self.heap = name, heap
        self.error: Exception | None = None
        self._lock = threading.RLock()
        self._quiet = 0
        # Until it is complete: ipywidgets closes what it forgets, whole or not.
        self._closed = True
        self._history: list[tuple[str, float, dict[str, Any]]] = []
        self._drawn: dict[str, Any] = {}
        # How often each control was turned, and how often the last picture knew
        # of. Values would not do: one may be turned and turned back while a
        # picture is drawn from both.
        self._turns: Counter[str] = Counter()
        self._turns_drawn: Counter[str] = Counter()
        self._anew = True  # the next picture may take nothing from the last one
        self._head = widgets.HTML()
        # Room for two lines always, so that nothing below it ever moves.
        self._facts = widgets.HTML(layout=widgets.Layout(height="44px"))
        self._status = widgets.HTML(layout=widgets.Layout(height="24px"))
        self.controls: dict[str, widgets.Widget] = {}
        self.zoom: dict[str, Range1d] = {}
        self._extents: dict[str, tuple[float, float]] = {}
        with self._silently():
            rows, self.layout_root, below = self._build()
            self._begin()
        self._initial = self._values()
        self._coalescer = Coalescer(self._push)
        key = f"hk:{self.kind}:{name}"
        self._pane = Pane(self.layout_root, key=key, painted=self._coalescer.painted)
        for control in self.controls.values():
            control.observe(self._on_control, "value")
        self.add_class("hk-explorer")
        self.children = (self._head, *rows, self._facts, self._pane.widget)
        self.children += (*below, self._status)
        self._closed = False
        self._coalescer.request()

    # --- For a subclass ---------------------------------------------------------

    @abstractmethod
    def _build(self) -> tuple[list[widgets.Widget], LayoutDOM, list[widgets.Widget]]:
        """Rows of controls, the figure, and widgets below it."""

    @abstractmethod
    def _begin(self) -> None:
        """Fit the controls to what it was made with."""

    @abstractmethod
    def _draw(self) -> str:
        """Update the figure; the facts line, as HTML."""

    @abstractmethod
    def _table(self) -> pd.DataFrame:
        """What the figure shows, before it was reduced."""

    def _extent(self, name: str, end: float, start: float = 0) -> None:
        """What there is to see on an axis; a zoom lasts until that changes."""
        if self._extents.get(name) != (start, end):
            self._extents[name] = (start, end)
            self.zoom[name].update(
                start=start, end=end, reset_start=start, reset_end=end
            )

    @property
    @abstractmethod
    def title(self) -> str:
        """What the head line says."""

    def _adopted(self, *, new: bool) -> None:
        """Draw what the controls were fitted to; ``new`` is what reset() goes to."""
        if new:
            self._initial = self._values()
        self._anew = True
        self._coalescer.request()

    def _changed(self, *names: str) -> bool:
        """Whether one of these controls was turned since the last picture began."""
        return self._anew or any(
            self._turns_drawn[name] != self._turns[name] for name in names
        )

    @property
    def is_open(self) -> bool:
        """Whether it can still be shown: nobody closed it."""
        return not self._closed and self.comm is not None

    # --- State ------------------------------------------------------------------

    @property
    def state(self) -> dict[str, Any]:
        """Every control and zoom, as a dict that JSON can hold.

        Assigning one back restores the picture. Controls that it does not name
        stay as they are; ``ValueError`` for a name or value that is not allowed.
        """
        with self._lock:
            zoom = {k: [r.start, r.end] for k, r in self.zoom.items()}
            return {"kind": self.kind, **self._values(), "zoom": zoom}

    @state.setter
    def state(self, state: Mapping[str, Any]) -> None:
        given = dict(state)
        kind, zoom = given.pop("kind", self.kind), given.pop("zoom", {})
        unknown = sorted({*given} - {*self.controls} | {*zoom} - {*self.zoom})
        if kind != self.kind:
            raise ValueError(f"state: kind={kind!r}; allowed: {self.kind!r}")
        if unknown:
            names = ", ".join((*self.controls, *self.zoom))
            raise ValueError(f"state: {unknown[0]!r} is unknown; allowed: {names}")
        with self._lock:
            self._set(given)
            self._coalescer.request()
            self._coalescer.flush()
            for name, (start, end) in zoom.items():
                self.zoom[name].update(start=start, end=end)

    def reset(self, *_: object) -> None:
        """Back to the controls and the zoom of the beginning."""
        with self._lock:
            self._remember("reset")
            self._set(self._initial)
            self._extents, self._anew = {}, True
        self._coalescer.request()

    def undo(self, *_: object) -> None:
        """Back to the controls before the last change."""
        with self._lock:
            if not self._history:
                return
            self._set(self._history.pop()[2])
        self._coalescer.request()

    def close(self) -> None:
        """Take the panel out of the page; it cannot be shown again."""
        if self._closed:
            return
        self._closed = True
        self._coalescer.close()
        with self._lock:
            for control in self.controls.values():
                control.unobserve(self._on_control, "value")
            self._pane.close()
            for child in _descendants(self):
                child.close()
            super().close()

    # --- Export -----------------------------------------------------------------

    def to_html(self, path: str | Path | None = None) -> str:
        """The figure as one self-contained page; written to ``path`` if given."""
        with self._lock:
            self._coalescer.flush()
            page: str = file_html(
                self.layout_root,
                INLINE,
                f"heapkit {self.title}",
                suppress_callback_warning=True,
            )
        if path is not None:
            Path(path).write_text(page, encoding="utf-8")
        return page

    def to_png(self, path: str | Path | None = None) -> bytes:
        """A static picture of the figure, drawn without a browser."""
        with self._lock:
            self._coalescer.flush()
            data = picture(self.layout_root)
        if path is not None:
            Path(path).write_bytes(data)
        return data

    def to_csv(self, path: str | Path | None = None) -> str:
        """What the figure shows, before it was reduced, as comma-separated text."""
        with self._lock:
            self._coalescer.flush()
            text = str(self._table().to_csv(index=False))
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        with self._lock:
            self._coalescer.flush()
            self._pane.refresh()
        bundle: dict[str, Any] | None = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            bundle["image/png"] = base64.b64encode(self.to_png()).decode()
        return bundle

    # --- Events -----------------------------------------------------------------

    def _on_control(self, change: Mapping[str, Any]) -> None:
        name = next(n for n, c in self.controls.items() if c is change["owner"])
        self._turns[name] += 1  # at once: the lock may be a picture away
        # The lock before the question: another thread may be setting controls.
        with self._lock:
            if self._quiet:
                return
            self._remember(name)
        self._coalescer.request()

    def _push(self, number: int) -> None:
        """Bring the page up to date; a mistake is told in the status line."""
        with self._lock, self._pane.picture(number):
            # Read first: what another thread turns meanwhile is a change for the
            # next picture.
            turns, values = self._turns.copy(), self._values()
            try:
                self._facts.value = self._draw()
                self._turns_drawn, self._drawn, self._anew = turns, values, False
                self._say("")
            except Exception as error:  # noqa: BLE001  # shown, and kept for tests
                self._say(f"{type(error).__name__}: {error}", error)
            self._head.value = style.head(self.title)

    def _say(self, text: str, error: Exception | None = None) -> None:
        self.error = error
        self._status.value = style.error(text) if error else style.plain(text)

    def _values(self) -> dict[str, Any]:
        return {name: control.value for name, control in self.controls.items()}

    def _set(self, values: Mapping[str, Any]) -> None:
        with self._silently():
            for name, value in values.items():
                try:
                    self.controls[name].value = value
                except Exception as error:
                    raise ValueError(f"state: {name}={value!r}: {error}") from error

    def _remember(self, name: str) -> None:
        now = time.monotonic()
        last = self._history[-1] if self._history else ("", 0.0, {})
        if last[0] == name and now - last[1] < DRAG_S:
            self._history[-1] = (name, now, last[2])
        elif self._drawn:
            self._history.append((name, now, self._drawn))
            del self._history[:-UNDO_DEPTH]

    @contextmanager
    def _silently(self) -> Iterator[None]:
        """Set controls without drawing for each."""
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1


def _descendants(box: widgets.Box) -> Iterator[widgets.Widget]:
    for child in box.children:
        if hasattr(child, "children"):
            yield from _descendants(child)
        yield child
