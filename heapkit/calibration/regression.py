# SPDX-License-Identifier: MIT
"""Terms from times: least squares of medians, and how far each can be believed.

``median ns of a size = Σ term × how often it is in that size``. Errors grow with the
time, so residuals are shares of it. The interval of a term is the wider of two: what
samples drawn again make of it (the bootstrap: how noisy the times are), and Student's
t from the residuals (how straight they lie). Normal equations, numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from heapkit.units import format_ns

Floats = NDArray[np.float64]

DRAWS = 400  # of the bootstrap
LEAST = 1.0  # ns: what is shorter than the clock can tell is taken for this
SEED = 0  # the same samples give the same intervals
# A term that the others make up to within this share cannot be told from them.
TOLERANCE = 1e-3
# A fit that misses by more, in the root mean square of the shares, claims nothing:
# assumed, as is any limit of the kind.
POOR = 0.25
# Student's t, two sides, 95 %, by degrees of freedom; NIST's table.
_T95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)


@dataclass(frozen=True, slots=True)
class Term:
    """One term in nanoseconds with its 95 % interval, and why it is no claim."""

    name: str
    value: float
    low: float
    high: float
    why_not: str = ""

    @property
    def claimed(self) -> bool:
        """Whether it may be called measured."""
        return not self.why_not


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """The terms, and at each size the median, the model and its interval, in ns."""

    terms: tuple[Term, ...]
    median: Floats
    model: Floats
    low: Floats
    high: Floats

    @property
    def residuals(self) -> Floats:
        """Median less model, as a share of the median."""
        return (self.median - self.model) / self.median

    @property
    def rms(self) -> float:
        """The root mean square of the residuals."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    def term(self, name: str) -> Term | None:
        """The term of that name; None if the fit has none."""
        return next((term for term in self.terms if term.name == name), None)


def fit(
    counts: Mapping[str, Sequence[float]],
    samples: Sequence[Floats],
    *,
    clock_ns: float = 0.0,
) -> Fit:
    """The terms of ``counts``, each a number a size, from the times of each size.

    Where a median is shorter than the clock's step, nothing is claimed.

    A term that the sizes cannot tell from those before it is left out and says so;
    its share is then in theirs.
    """
    matrix = np.array(list(counts.values()), np.float64).T
    median = np.array([max(np.median(ns), LEAST) for ns in samples])
    kept = _told_apart(matrix / median[:, None])
    part = matrix[:, kept] / median[:, None]
    found = np.linalg.lstsq(part, np.ones(len(part)), rcond=None)[0]
    drawn = _bootstrap(matrix[:, kept], samples)
    slack = _student(part, found)
    model = matrix[:, kept] @ found
    low, high = _quantiles(drawn @ matrix[:, kept].T)
    fitted = Fit((), median, model, np.minimum(low, model), np.maximum(high, model))
    terms = _terms(list(counts), kept, found, _quantiles(drawn), slack, fitted.rms)
    if median.min() < clock_ns:
        terms = tuple(_unseen(term, clock_ns) for term in terms)
    return Fit(terms, median, model, fitted.low, fitted.high)


def _terms(
    names: list[str],
    kept: list[int],
    found: Floats,
    quantiles: tuple[Floats, Floats],
    slack: Floats,
    rms: float,
) -> tuple[Term, ...]:
    terms = []
    for i, name in enumerate(names):
        if i not in kept:
            others = " and ".join(f"per {names[k]}" for k in kept)
            why = f"these sizes cannot tell it from {others}"
            terms.append(Term(name, np.nan, -np.inf, np.inf, why))
            continue
        k = kept.index(i)
        low = min(quantiles[0][k], found[k] - slack[k])
        high = max(quantiles[1][k], found[k] + slack[k])
        value = float(found[k])
        why = _doubt(float(low), float(high), rms)
        terms.append(Term(name, value, float(low), float(high), why))
    return tuple(terms)


def _unseen(term: Term, clock_ns: float) -> Term:
    why = f"it is shorter than a step of the clock ({format_ns(clock_ns)})"
    return replace(term, why_not=term.why_not or why)


def _doubt(low: float, high: float, rms: float) -> str:
    """Why a term is no claim; "" if it is one."""
    if not np.isfinite(low + high):
        return "as many terms as sizes: nothing says how well they fit"
    if high <= 0:
        return "it comes out below 0"
    if low <= 0:
        return "its interval includes 0"
    if rms > POOR:
        return f"the fit misses by {rms:.0%} of the times"
    return ""


def _told_apart(weighted: Floats) -> list[int]:
    """The columns that are not made up by those kept before them."""
    kept: list[int] = []
    for i in range(weighted.shape[1]):
        column = weighted[:, i]
        rest = column
        if kept:
            basis = weighted[:, kept]
            rest = column - basis @ np.linalg.lstsq(basis, column, rcond=None)[0]
        enough = float(np.linalg.norm(rest)) > TOLERANCE * np.linalg.norm(column)
        if enough and len(kept) < len(weighted):
            kept.append(i)
    return kept


def _bootstrap(matrix: Floats, samples: Sequence[Floats]) -> Floats:
    """The terms of :data:`DRAWS` sets of samples, each drawn from the true ones."""
    rng = np.random.default_rng(SEED)
    medians = np.stack(
        [
            np.median(ns[rng.integers(len(ns), size=(DRAWS, len(ns)))], axis=1)
            for ns in samples
        ],
        axis=1,
    )
    weighted = matrix[None] / np.maximum(medians, LEAST)[:, :, None]
    found: Floats = np.linalg.pinv(weighted).sum(axis=2)
    return found


def _quantiles(drawn: Floats) -> tuple[Floats, Floats]:
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    return low, high


def _student(part: Floats, found: Floats) -> Floats:
    """Half the t interval of each term; 0 for one term of one size, a plain median."""
    n, p = part.shape
    if n == p == 1:
        return np.zeros(1)
    if n <= p:
        return np.full(p, np.inf)
    freedom = n - p
    t = _T95[freedom - 1] if freedom <= len(_T95) else 1.96
    spread = float(np.sum((1 - part @ found) ** 2)) / freedom
    half: Floats = t * np.sqrt(spread * np.diag(np.linalg.pinv(part.T @ part)))
    return half
