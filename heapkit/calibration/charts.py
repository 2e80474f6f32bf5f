# SPDX-License-Identifier: MIT
"""Which operations of a calibration are drawn, and their curves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import PAGE_SIZE
from heapkit.arguments import wrong
from heapkit.calibration.constants import RULES
from heapkit.calibration.result import Calibration
from heapkit.calibration.samples import STATES, Place

Numbers = NDArray[np.float64]
ZERO = "zero"  # one price for each size of block: three fits, one picture


@dataclass(frozen=True, eq=False)
class Curve:
    """One operation in one state, by size: ns of the samples and of the fit."""

    pages: Numbers
    median: Numbers
    spread: Numbers  # the MAD
    model: Numbers
    low: Numbers
    high: Numbers


Chart = tuple[str, dict[str, Curve]]  # a title; a curve for each state


def charts_of(calibration: Calibration, place: str | None = None) -> list[Chart]:
    """What constants come from; of one ``place``, by its name, all that was timed.

    ``ValueError`` lists the places.
    """
    places = {p.name: p for p in calibration.places}
    if place is not None and place not in places:
        raise wrong("show", "place", place, f"one of {tuple(places)}")
    rules = {(kind, rule.operation) for rule in RULES for kind in rule.kinds}
    rules |= {("area", ZERO)}
    charts = []
    for p in places.values() if place is None else (places[place],):
        for operation in _operations(calibration, p):
            if place is not None or (p.kind, operation) in rules:
                curves = _curves(calibration, p, operation)
                charts.append((f"{p}: {operation}", curves))
    return charts


def _operations(calibration: Calibration, place: Place) -> list[str]:
    names = [operation for p, operation, _ in calibration.fit if p == place]
    return list(dict.fromkeys(map(_drawn_as, names)))


def _drawn_as(operation: str) -> str:
    return ZERO if operation.startswith(ZERO) else operation


def _curves(calibration: Calibration, place: Place, operation: str) -> dict[str, Curve]:
    found = {s: _curve(calibration, place, operation, s) for s in STATES}
    return {state: curve for state, curve in found.items() if curve is not None}


def _curve(
    calibration: Calibration, place: Place, operation: str, state: str
) -> Curve | None:
    mine = [
        name
        for p, name, s in calibration.fit
        if (p, s) == (place, state) and _drawn_as(name) == operation
    ]
    if not mine:
        return None
    fits = [calibration.fit[place, name, state] for name in mine]
    samples = [s for name in mine for s in calibration.of(place, name, state)]
    return Curve(
        np.array([s.size / PAGE_SIZE for s in samples]),
        np.concatenate([f.median for f in fits]),
        np.array([s.mad for s in samples]),
        np.concatenate([f.model for f in fits]),
        np.concatenate([f.low for f in fits]),
        np.concatenate([f.high for f in fits]),
    )
