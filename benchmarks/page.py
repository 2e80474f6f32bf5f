# SPDX-License-Identifier: MIT
"""docs/performance.md: the record of one machine, written by a run."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks import plot
from benchmarks.budgets import ELSEWHERE
from benchmarks.figures import Figure
from benchmarks.plan import Plan
from benchmarks.program import BUILD, ROOT
from benchmarks.tables import all_tables

PAGE = ROOT / "docs" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "cost-against-size.png"

INTRODUCTION = """\
<!-- SPDX-License-Identifier: MIT -->
<!-- Written by `make bench ARGS=--page`: change benchmarks/page.py instead. -->
# Performance

A record of one machine on one day; another has other times and, we expect, much the
same ratios. To make it again: `make bench` (a table), `make bench ARGS=--json`
(every round), `make bench ARGS=--page` (this page). `ARGS="--only first-fit --trace
camera"` measures a part, `ARGS=--quick` checks results and says nothing of time.

Times are CPU time of one thread on one core, medians of {rounds} rounds in which all
take turns; in brackets, and as *spread*, how far the slowest and the fastest round
lie apart. {noise}

A ratio compares **the same events from the same state**. heapkit replays the first
quarter of a trace untimed. The linear scan's bitmap is then set to that very heap,
for it would take minutes to get there by itself, and both go on from there: the scan
for {window} ms in each round, heapkit to the end of the trace, with its clock read
where the scan's window ends. Over that window every placement, and with gauges on
the free and the largest free pages, have to be equal, or the run fails. The peers in
Python start from the middle of a part of the trace in the same way.

*Off* and *on*: without and with free pages, largest free run and their quotient
recorded after every event. *Linear* is our own scan of a plain bitmap, 64 bits at a
step, with the kernel's rules (`native/bench/linear.c`); its gauges scan the whole
map. *do-nothing* reads events and writes records, and is the floor of any replay.
*buddy* takes one unmovable block a buffer, at most 4 MiB. Traces are described in
`native/bench/trace.h` and hold within 1 % what those held that the budgets were
derived from; why this is compared, in
[decisions/0074](decisions/0074-the-same-events-in-cpu-time.md).
"""

NAMES = {
    "processor": "processor",
    "cores": "cores",
    "load": "load when it began",
    "load_after": "load when it ended",
    "system": "system",
    "compiler": "compiler",
    "python": "Python",
    "numpy": "numpy",
    "commit": "commit",
    "date": "date",
}
CAMERA_HEADING = "All there is to a camera"
BUDGETS_HEADING = "Budgets"
HEADINGS = (
    "Traces",
    "Times",
    CAMERA_HEADING,
    BUDGETS_HEADING,
    "Aims",
    "Memory",
    "Cost against the size of the heap",
)
CAMERA = """\
The workload `camera_boot` on the preset phone-8g: a carveout that the pooled system
heap stands in for, deferred free, attachments, mappings, cache maintenance, the cost
of every event and all gauges. *hk.replay* is the whole call, *SimPy phone* the same
in plain Python with an idle thread of SimPy's (`benchmarks/peers/phone.py`); every
column of every row has to be equal. It is slow, so that it starts from the middle of
a part of the trace, as the other peers do, and its ratio is to the core's time for
those events.
"""
SIZES = """\
![Time an event against the size of the heap]({picture})

*{processor}, {date}: `mixed` with all gauges, whole boards. Above, as many more
buffers as the heap is larger, so that it is as full; below, the same 2000 buffers.*

Below is what size by itself costs: a tree that is a level deeper. Above is what it
costs to reach a million buffers whose state is beyond every cache. *MiB* and *a page*
(bytes) are resident, *reserved* is address space a page; a CMA area's includes the
page allocator of the memory it lies in, and all include the table of buffers.
These are medians of at most three rounds; a heap of a million buffers has one.
"""
AFTER = {CAMERA_HEADING: (CAMERA,), BUDGETS_HEADING: ELSEWHERE}


def write(machine: dict[str, Any], figures: Sequence[Figure], plan: Plan) -> None:
    """The page and its picture."""
    picture = plot.write(figures, BUILD / PICTURE.stem)[1]
    shutil.copyfile(picture, PICTURE)
    PAGE.write_text(text(machine, figures, plan), encoding="utf-8")


def text(machine: dict[str, Any], figures: Sequence[Figure], plan: Plan) -> str:
    """The page from a run's figures."""
    lines = [f"- {NAMES[key]}: {machine[key]}" for key in NAMES if key in machine]
    introduction = INTRODUCTION.format(
        rounds=plan.rounds, window=plan.window_ms, noise=noise(figures)
    )
    parts = [introduction, "\n".join(lines)]
    for heading, table in zip(HEADINGS, all_tables(figures), strict=True):
        parts += [f"## {heading}", table.markdown()]
        parts += AFTER.get(heading, ())
    where = {key: machine[key] for key in ("processor", "date")}
    parts.append(SIZES.format(picture=f"images/{PICTURE.name}", **where))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def noise(figures: Sequence[Figure]) -> str:
    """How far the rounds of this run lie apart."""
    spreads = [f.spread for f in figures if f.unit == "ns/event" and f.rounds]
    half, most = np.percentile(spreads, [50, 90])
    return (
        f"In this run that is less than {half:.0%} for half of the times, and more "
        f"than {most:.0%} for a tenth."
    )
