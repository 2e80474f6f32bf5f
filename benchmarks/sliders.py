# SPDX-License-Identifier: MIT
"""A slider's way to the figure: what Python does of it, before the browser."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

import heapkit as hk
from benchmarks.clock import cpu_ns
from benchmarks.figures import Figure
from benchmarks.plan import Plan
from heapkit import MiB

NAME = "slider to figure"
EVENTS = 100_000  # all replayed at each step
STEPS = 20
HEAP = "camera"


def measure(plan: Plan) -> list[Figure]:
    """Milliseconds of CPU a step: half of the steps take less, one in twenty more."""
    if not plan.wants(NAME):
        return []
    trace = hk.workloads.mixed_media(events=plan.part_of(EVENTS), heap=HEAP)
    carveout = hk.CarveoutHeap(name=HEAP, size=256 * MiB, base=32 * hk.GiB)
    panel = hk.explore.carveout(trace, hk.Board(name="bench", heaps=(carveout,)))
    rounds = [_drag(panel) for _ in range(plan.rounds)]
    panel.close()
    half, most = zip(*rounds, strict=True)
    return [
        Figure(f"{NAME}, p50", "", "ms", half),
        Figure(f"{NAME}, p95", "", "ms", most),
    ]


def _drag(panel: Any) -> tuple[float, float]:
    """Without a page that answers, a change is drawn before it returns."""
    size = panel.controls["size"]
    sizes = [value for _, value in size.options]
    steps = [
        cpu_ns(partial(setattr, size, "value", sizes[i % len(sizes)])) / 1e6
        for i in range(STEPS)
    ]
    half, most = np.percentile(steps, [50, 95])
    return float(half), float(most)
