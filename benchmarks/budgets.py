# SPDX-License-Identifier: MIT
"""What the figures are held against. A budget has to be met, an aim is a wish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure

SMALL_CHURN = "small-churn"


@dataclass(frozen=True)
class Budget:
    """A bound of the figure ``name``; ``bounds`` are those of single cases."""

    name: str
    what: str
    bound: float
    bounds: Mapping[str, float]
    at_least: bool
    aim: bool = False

    def of(self, case: str) -> float:
        """The bound on one case."""
        return self.bounds.get(case, self.bound)


@dataclass(frozen=True)
class Verdict:
    """A figure beside its budget."""

    budget: Budget
    figure: Figure

    @property
    def bound(self) -> float:
        """Of the figure's case."""
        return self.budget.of(self.figure.case)

    @property
    def met(self) -> bool:
        """Whether the median keeps the bound."""
        median = self.figure.median
        return median >= self.bound if self.budget.at_least else median <= self.bound


def _least(name: str, what: str, bound: float, **bounds: float) -> Budget:
    return _budget(name, what, bound, bounds, at_least=True)


def _most(name: str, what: str, bound: float, **bounds: float) -> Budget:
    return _budget(name, what, bound, bounds, at_least=False)


def _budget(
    name: str, what: str, bound: float, bounds: dict[str, float], *, at_least: bool
) -> Budget:
    cases = {case.replace("_", "-"): value for case, value in bounds.items()}
    return Budget(name, what, bound, cases, at_least)


BUDGETS = (
    _least(
        "linear first-fit off / first-fit on",
        "first fit with gauges against the linear scan without",
        15,
        small_churn=300,
        near_full=60,
    ),
    _least(
        "linear best-fit on / best-fit on",
        "best fit against the linear scan, both with gauges",
        80,
    ),
    _most("cma on / first-fit on", "aligned CMA against first fit", 2, small_churn=5),
    _most("buddy on", "page allocator, ns an event", 20),
    _most("first-fit on / first-fit off", "first fit, gauges on against off", 1.15),
    _most("hk.replay carveout on / off", "hk.replay of a carveout, gauges", 1.15),
    _most("hk.replay pooled on / off", "hk.replay of a pooled heap, gauges", 1.15),
    _most(
        "bulk call from Python / from C", "one call from Python, same loop in C", 1.05
    ),
    _least(
        "two replays, processes / threads", "two threads against two processes", 0.95
    ),
    _least(
        "SimPy system heap / replay on",
        "pooled system heap with costs against SimPy",
        150,
    ),
    _least(
        "hk.replay camera_boot, M events/s",
        "all there is to a camera, million events a second",
        5,
    ),
    _least("SimPy phone / replay on", "all there is to a camera against SimPy", 150),
    *(
        _most(f"{who}, bytes a page", f"bytes a page: {who}", 16)
        for who in ("first-fit", "best-fit", "order-align", "cma", "buddy")
    ),
    _most("slider to figure, p50", "a slider's step in Python alone, ms", 60),
    _most("slider to figure, p95", "the same, of the slowest twentieth, ms", 120),
    _most("import heapkit", "import heapkit, s of CPU", 0.3),
    _most("notebook without outputs", "heaviest notebook without outputs, kB", 100),
)
ELSEWHERE = (
    "A slider's bounds are for its way to the pixels: the browser's part is not here.",
)
AIMS = (
    _most("cma on / first-fit on", "aligned CMA against first fit", 1.5),
    _most("best-fit on / first-fit on", "best fit against first fit", 1.5),
    _most(
        "buddy on / do-nothing on",
        "page allocator against a replay that does nothing",
        4,  # 12 ns where that takes 3
    ),
    _most("first-fit on", "first fit with gauges, ns an event", 50, camera=40),
    _least("SimPy first fit / replay on", "hk.replay on against SimPy first fit", 150),
    _least(
        "sortedcontainers first fit / replay on",
        "hk.replay on against sortedcontainers",
        150,
    ),
    _least("numba first fit / replay on", "hk.replay on against a scan by numba", 150),
)


def verdicts(figures: Sequence[Figure], budgets: Sequence[Budget]) -> list[Verdict]:
    """Every budget beside the figures that it is about."""
    return [
        Verdict(budget, figure)
        for budget in budgets
        for figure in figures
        if figure.name == budget.name
    ]
