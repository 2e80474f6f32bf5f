# SPDX-License-Identifier: MIT
"""The style sheet of a panel, and the badge that turns when the kernel is gone.

A page that was reloaded has lost BokehJS (see :mod:`heapkit.notebook`), and
ipywidgets shows an error where each figure was. A widget whose kernel went away
gets the class ``jupyter-widgets-disconnected``. No code of ours runs in the page
then, so the badge changes its text by style sheet alone.
"""

from __future__ import annotations

import html

CSS = """
<style>
.hk-explorer { overflow: hidden; }
.hk-explorer .widget-label, .hk-explorer .widget-readout { font-size: 12px; }
.hk-explorer .hk-badge::after { content: "● live"; color: #009E73; }
.hk-explorer.jupyter-widgets-disconnected .hk-badge::after {
  content: "○ no kernel: run the cell again"; color: #D55E00; font-weight: bold; }
.hk-explorer.jupyter-widgets-disconnected .hk-figure { opacity: 0.45; }
.hk-explorer:has(.jupyter-widgets-error-widget) .hk-badge::after {
  content: "○ page reloaded: run all cells again"; color: #D55E00; font-weight: bold; }
.hk-explorer .jupyter-widgets-error-widget { display: none; }
.hk-explorer.jupyter-widgets-disconnected::before,
.hk-explorer .jupyter-widgets-disconnected::before { display: none; }
.hk-head { display: flex; justify-content: space-between; font-size: 13px; }
.hk-line { white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
  font-size: 13px; line-height: 20px; }
.hk-explorer .widget-html-content { min-width: 0; width: 100%; }
.hk-facts { height: 40px; white-space: normal; }
.hk-facts span { display: inline-block; white-space: nowrap; margin-right: 14px; }
.hk-facts b { font-weight: 600; }
.hk-error { color: #D55E00; }
.hk-table { font-size: 12px; border-collapse: collapse; }
.hk-table td, .hk-table th { padding: 1px 10px 1px 0; text-align: left; }
.hk-table td.hk-number { text-align: right; }
.hk-table .hk-assumed { color: #D55E00; font-style: italic; }
.hk-page-map img, img.hk-page-map { image-rendering: pixelated; }
</style>
"""


def head(title: str) -> str:
    """The first line of a panel: what it is, and whether it lives."""
    return (
        f"{CSS}<div class='hk-head'><b>{html.escape(title)}</b>"
        "<span class='hk-badge' role='status'></span></div>"
    )


def facts(**values: str) -> str:
    """``free: 8 MiB`` and so on: two lines' room, broken between facts only."""
    shown = {name.replace("_", " "): value for name, value in values.items()}
    parts = (
        f"<span><b>{html.escape(name)}</b> {html.escape(value)}</span>"
        for name, value in shown.items()
    )
    whole = ", ".join(f"{name}: {value}" for name, value in shown.items())
    title = html.escape(whole, quote=True)
    return f"<div class='hk-line hk-facts' title='{title}'>{' '.join(parts)}</div>"


def plain(text: str) -> str:
    """A quiet remark in the status line."""
    return f"<div class='hk-line' title='{html.escape(text)}'>{html.escape(text)}</div>"


def error(text: str) -> str:
    """What went wrong, in the status line."""
    shown = html.escape(text, quote=True)
    return f"<div class='hk-line hk-error' role='alert' title='{shown}'>{shown}</div>"
