# SPDX-License-Identifier: MIT
"""The controls that explorers share, in one size and one manner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as widgets

from heapkit.units import KiB, MiB, format_bytes

# A replay of a whole trace takes about this many pictures.
FRAMES = 300
FRAME_MS = 50
STEPS = 64
_WIDE = {"description_width": "90px"}


def row(*controls: widgets.Widget) -> widgets.HBox:
    """Controls side by side, in two lines where the window is too narrow."""
    layout = widgets.Layout(flex_flow="row wrap", align_items="center")
    return widgets.HBox(controls, layout=layout)


def dropdown(label: str, options: Mapping[str, Any]) -> widgets.Dropdown:
    """A choice of named values."""
    return widgets.Dropdown(
        description=label,
        options=list(options.items()),
        layout=widgets.Layout(width="230px", flex="0 0 auto"),
        style={"description_width": "60px"},
    )


def toggle(label: str, tooltip: str) -> widgets.ToggleButton:
    """A button that stays down."""
    return widgets.ToggleButton(
        description=label, tooltip=tooltip, layout=widgets.Layout(width="110px")
    )


def checkbox(label: str, *, value: bool) -> widgets.Checkbox:
    """Yes or no."""
    return widgets.Checkbox(
        description=label,
        value=value,
        indent=False,
        layout=widgets.Layout(width="150px"),
    )


def slider(label: str, low: int, high: int, value: int) -> widgets.IntSlider:
    """A whole number that is followed while it is dragged."""
    return widgets.IntSlider(
        description=label,
        min=low,
        max=high,
        value=value,
        continuous_update=True,
        layout=widgets.Layout(width="380px", flex="0 0 auto"),
        style=_WIDE,
    )


def choice_slider(
    label: str, options: Mapping[str, Any], value: Any
) -> widgets.SelectionSlider:
    """One of some named values, in their order."""
    return widgets.SelectionSlider(
        description=label,
        options=list(options.items()),
        value=value,
        continuous_update=True,
        layout=widgets.Layout(width="380px", flex="0 0 auto"),
        style=_WIDE,
    )


def size_slider(label: str, size: int) -> widgets.SelectionSlider:
    """A size in bytes, written as such, from a small part of ``size`` to twice it."""
    return choice_slider(label, dict(sizes_around(size)), size)


def sizes_around(size: int) -> list[tuple[str, int]]:
    """``size`` and whole multiples of a 64th of twice it, at least of 4 KiB."""
    unit = MiB if size >= STEPS * MiB else 4 * KiB
    step = max(unit, 2 * size // STEPS // unit * unit)
    sizes = sorted({size, *range(step, 2 * size + 1, step)})
    return [(format_bytes(value), value) for value in sizes]


def fit_slider(control: widgets.SelectionSlider, size: int) -> None:
    """Offer the sizes around another one."""
    control.options = sizes_around(size)
    control.value = size


def scrubber(label: str = "event") -> widgets.IntSlider:
    """The event that is shown; arrow keys step it once it has the focus."""
    control = slider(label, 0, 0, 0)
    control.layout = widgets.Layout(width="60%", min_width="340px")
    return control


def fit_scrubber(control: widgets.IntSlider, events: int) -> None:
    """All events of a trace."""
    control.max = max(0, events - 1)


def player(control: widgets.IntSlider) -> widgets.HBox:
    """Play, pause and step buttons for a scrubber."""
    what = control.description
    play = widgets.Play(interval=FRAME_MS, show_repeat=False)
    play.layout = widgets.Layout(width="100px")

    def fit(_: object = None) -> None:
        play.max = control.max
        play.step = max(1, control.max // FRAMES)

    def step(by: int) -> Callable[[object], None]:
        def move(_: object) -> None:
            control.value = min(max(control.min, control.value + by), control.max)

        return move

    fit()
    control.observe(fit, "max")
    widgets.jslink((play, "value"), (control, "value"))
    back = _button("", f"one {what} back", "step-backward", step(-1), "40px")
    forth = _button("", f"one {what} on", "step-forward", step(1), "40px")
    return row(play, back, forth, control)


def buttons(**actions: Callable[..., None]) -> widgets.HBox:
    """One button per action."""
    return widgets.HBox(
        [_button(name, name, "", action, "80px") for name, action in actions.items()]
    )


def _button(
    label: str, tooltip: str, icon: str, action: Callable[..., None], width: str
) -> widgets.Button:
    button = widgets.Button(
        description=label,
        tooltip=tooltip,
        icon=icon,
        layout=widgets.Layout(width=width),
    )
    button.on_click(action)
    return button
