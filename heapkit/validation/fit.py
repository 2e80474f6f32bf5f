# SPDX-License-Identifier: MIT
"""Constants from published figures: least squares, never negative, with a range.

An *observation* is one figure: how often the model charges each constant for it,
and how long it took. The range of a constant is what leaving out one observation
at a time makes of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from heapkit.arguments import wrong

Values = dict[str, float]


@dataclass(frozen=True, slots=True)
class Observation:
    """One figure. ``counts`` maps names of constants to how often they are charged."""

    figure: str
    counts: Mapping[str, float]
    ns: float


@dataclass(frozen=True, slots=True)
class Fit:
    """One constant, the figures it was fitted on, and its leave-one-out range."""

    constant: str
    value: float
    low: float
    high: float
    on: tuple[str, ...]
    how: str


Method = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]


def fit(
    names: Sequence[str],
    observations: Sequence[Observation],
    *,
    fixed: Mapping[str, float] | None = None,
    method: Method | None = None,
    how: str = "least squares",
) -> tuple[Fit, ...]:
    """``names`` from ``observations``, with the constants in ``fixed`` given.

    ``ValueError``: fewer observations than constants.
    """
    if len(observations) < len(names):
        allowed = f"at least {len(names)}, one a constant"
        raise wrong("fit", "observations", len(observations), allowed)
    solve = least_squares if method is None else method
    matrix, ns = _system(names, observations, fixed or {})
    best = solve(matrix, ns)
    others = [best]
    if len(observations) > len(names):
        keep = ~np.eye(len(observations), dtype=bool)
        others = [solve(matrix[rows], ns[rows]) for rows in keep]
    low, high = np.min(others, axis=0), np.max(others, axis=0)
    on = tuple(o.figure for o in observations)
    return tuple(
        Fit(name, float(best[i]), float(low[i]), float(high[i]), on, how)
        for i, name in enumerate(names)
    )


def _system(
    names: Sequence[str],
    observations: Sequence[Observation],
    fixed: Mapping[str, float],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    matrix = [[o.counts.get(name, 0.0) for name in names] for o in observations]
    given = [
        sum(value * o.counts.get(name, 0.0) for name, value in fixed.items())
        for o in observations
    ]
    ns = np.array([o.ns for o in observations]) - np.array(given)
    return np.array(matrix, np.float64), ns


def least_squares(
    matrix: NDArray[np.float64], ns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The non-negative solution with the least squared error.

    It lies where some constants are zero and the others solve the plain problem;
    there are few constants, so all choices are tried.
    """
    unknowns = matrix.shape[1]
    best, least = np.zeros(unknowns), float(ns @ ns)
    for n in range(1, unknowns + 1):
        for chosen in combinations(range(unknowns), n):
            part = matrix[:, chosen]
            found = np.linalg.lstsq(part, ns, rcond=None)[0]
            error = float(np.sum((part @ found - ns) ** 2))
            if (found >= 0).all() and error < least:
                best, least = np.zeros(unknowns), error
                best[list(chosen)] = found
    return best


def relative_least_squares(
    matrix: NDArray[np.float64], ns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Least squares of the residuals as shares: every size counts alike."""
    return least_squares(matrix / ns[:, None], np.ones(len(ns)))


def lower_envelope(
    matrix: NDArray[np.float64], ns: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The two constants whose model lies as high as it can below every figure.

    For a least of many measurements on a busy machine: each is the idle time and
    something more, so the idle line is nowhere above them. It touches two.
    """
    best: NDArray[np.float64] = np.zeros(2)
    highest = -np.inf
    for rows in combinations(range(len(ns)), 2):
        pair = matrix[list(rows)]
        if abs(np.linalg.det(pair)) == 0:
            continue
        found = np.linalg.solve(pair, ns[list(rows)])
        told = matrix @ found
        below = (told <= ns * (1 + 1e-9)).all() and (found >= 0).all()
        if below and told.sum() > highest:
            best, highest = found.astype(np.float64), float(told.sum())
    return best


def values(fits: Sequence[Fit]) -> Values:
    """The fitted constants by name."""
    return {found.constant: found.value for found in fits}
