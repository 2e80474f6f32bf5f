# SPDX-License-Identifier: MIT
"""The C contenders: ns an event of each, and the ratios that budgets are about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks import program
from benchmarks.figures import Figure, ratio
from benchmarks.plan import Plan

Entry = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """A contender with or without gauges."""

    contender: str
    gauges: bool

    @property
    def text(self) -> str:
        """For the reader."""
        return f"{self.contender} {'on' if self.gauges else 'off'}"


def _on(contender: str) -> Side:
    return Side(contender, gauges=True)


def _off(contender: str) -> Side:
    return Side(contender, gauges=False)


# What is divided by what. A peer's window is the shorter one: both sides are taken
# over it, the same events from the same state.
RATIOS = (
    (_off("linear first-fit"), _on("first-fit")),
    (_on("linear first-fit"), _on("first-fit")),
    (_off("linear best-fit"), _on("best-fit")),
    (_on("linear best-fit"), _on("best-fit")),
    (_on("linear cma"), _on("cma")),
    (_on("cma"), _on("first-fit")),
    (_on("best-fit"), _on("first-fit")),
    (_on("buddy"), _on("do-nothing")),
    (_on("first-fit"), _off("first-fit")),
    (_on("best-fit"), _off("best-fit")),
    (_on("cma"), _off("cma")),
    (_on("buddy"), _off("buddy")),
)


def measure(plan: Plan) -> list[Figure]:
    """All traces; ``WrongResult`` if a placement differs from the linear scan's."""
    figures = []
    for kind in plan.kinds:
        events = plan.part_of(kind.events)
        answer = program.ask(
            "rounds",
            kind.name,
            events=events,
            rounds=plan.rounds,
            only=plan.only,
            window_ms=plan.window_ms,
            window_events=plan.window_events,
        )
        figures += of_trace(kind.name, answer)
    return figures


def of_trace(case: str, answer: dict[str, Any]) -> list[Figure]:
    """The figures of one trace from the program's JSON."""
    entries = {
        Side(entry["contender"], entry["gauges"]): entry for entry in answer["entries"]
    }
    times = [_time(side, case, entry) for side, entry in entries.items()]
    ratios = [
        _ratio(over, under, case, entries)
        for over, under in RATIOS
        if over in entries and under in entries
    ]
    facts = [
        Figure("events", case, "trace", (answer["events"],)),
        Figure("heap, MiB", case, "trace", (answer["heap_pages"] / 256,)),
        Figure("buffers held, mean", case, "trace", (answer["mean_live"],)),
        Figure("occupancy, %", case, "trace", (100 * answer["occupancy"],)),
    ]
    return facts + times + ratios + _memory(case, answer)


def _memory(case: str, answer: dict[str, Any]) -> list[Figure]:
    return [
        Figure(
            f"{entry['contender']}, bytes a page",
            case,
            "bytes/page",
            (entry["reserved"] / answer["heap_pages"],),
        )
        for entry in answer["entries"]
        if entry["reserved"] and entry["gauges"] and entry["contender"] != "do-nothing"
    ]


def _time(side: Side, case: str, entry: Entry) -> Figure:
    window = entry["windows"][-1]
    note = f"{window['events']} events"
    if entry["failed"]:
        note += f", {entry['failed']} allocations failed"
    return Figure(side.text, case, "ns/event", tuple(window["ns"]), note)


def _ratio(over: Side, under: Side, case: str, entries: dict[Side, Entry]) -> Figure:
    window = entries[over]["windows"][-1]
    same = next(w for w in entries[under]["windows"] if w["events"] == window["events"])
    name = f"{over.text} / {under.text}"
    return ratio(name, case, window["ns"], same["ns"], f"{window['events']} events")
