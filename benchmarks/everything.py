# SPDX-License-Identifier: MIT
"""Every benchmark in turn."""

from __future__ import annotations

from benchmarks import (
    camera,
    native,
    notebook,
    replays,
    sizes,
    sliders,
    startup,
    system,
    traces,
)
from benchmarks.clock import one_core
from benchmarks.figures import Figure
from benchmarks.plan import Plan

# Of a trace, for what Python takes part in: enough to fill and age each heap.
EVENTS = 2_000_000

FROM_PYTHON = (*notebook.PEERS, system.NAME, *replays.NAMES)


def measure(plan: Plan) -> list[Figure]:
    """All that the plan asks for; ``WrongResult`` if two disagree."""
    with one_core():
        figures = startup.measure(plan) + sliders.measure(plan)
        figures += native.measure(plan) + sizes.measure(plan)
        figures += camera.measure(plan)
    if not plan.wants(*FROM_PYTHON):
        return figures
    for kind in plan.kinds:
        records = traces.events(kind.name, plan.part_of(EVENTS))
        trace = traces.trace(records)
        with one_core():
            figures += notebook.measure(kind, records, trace, plan)
            figures += system.measure(kind, records, trace, plan)
        figures += replays.measure(kind, trace, plan)
    return figures
