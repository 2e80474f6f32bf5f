# SPDX-License-Identifier: MIT
"""Benchmarks give right results and say what they measured; times are no test."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import (
    budgets,
    camera,
    everything,
    native,
    notebook,
    page,
    plot,
    program,
    report,
    sizes,
    system,
    tables,
    traces,
)
from benchmarks.core import Core
from benchmarks.figures import Figure, ratio
from benchmarks.machine import machine
from benchmarks.peers import listed, scanned, sorted_runs
from benchmarks.peers.carveout import FAILED, Events, Start
from benchmarks.plan import Plan
from benchmarks.traces import KINDS
from heapkit import GiB

ROOT = Path(__file__).resolve().parent.parent
QUICK = Plan(rounds=2, quick=True)


@pytest.fixture(scope="module")
def figures():
    """Fails where a placement or a gauge differs from a peer's."""
    return everything.measure(QUICK)


def test_a_number_comes_with_the_machine_it_was_measured_on():
    expected = {"processor", "cores", "load", "python", "compiler", "commit", "date"}
    assert expected <= set(machine())


def test_the_native_half_is_built_with_the_flags_of_a_release():
    assert "-O3" in program.flags()
    assert "-DNDEBUG" in program.flags()


def test_every_contender_is_measured_on_every_trace(figures):
    for kind in KINDS:
        names = {figure.name for figure in figures if figure.case == kind.name}
        assert {f"{over.text} / {under.text}" for over, under in native.RATIOS} <= names
        assert {"do-nothing on", "first-align on", "order-align on"} <= names
        assert {"hk.replay carveout on", "SimPy system heap / replay on"} <= names
    names = {figure.name for figure in figures if figure.case == camera.CASE}
    assert {camera.WHOLE, camera.RATE, "SimPy phone / replay on"} <= names


UNITS = {"x", "ns/event", "ms", "M/s"}


def test_every_figure_has_a_value_for_every_round(figures):
    timed = [figure for figure in figures if figure.unit in UNITS]
    assert timed
    assert {len(figure.rounds) for figure in timed} == {QUICK.rounds}


def test_traces_hold_what_they_are_described_to_hold():
    # Live buffers and occupancy, of the whole trace or of a part that is as full.
    expected = {
        "camera": (50_000, 108, 0.64),
        "mixed": (200_000, 1999, 0.80),
        "near-full": (400_000, 10_500, 0.945),
    }
    for name, (events, live, occupancy) in expected.items():
        answer = program.ask("trace", name, "/dev/null", events=events)
        assert answer["mean_live"] == pytest.approx(live, rel=0.05)
        assert answer["occupancy"] == pytest.approx(occupancy, abs=0.02)


def test_a_trace_is_the_same_bytes_every_time(tmp_path):
    for name in ("one", "two"):
        program.ask("trace", "mixed", tmp_path / name, events=1000)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_only_measures_what_is_named():
    answer = program.ask("rounds", "mixed", events=4000, rounds=1, only="buddy")
    assert {entry["contender"] for entry in answer["entries"]} == {"buddy"}


def test_a_refused_question_is_an_error():
    with pytest.raises(program.WrongResult, match="Invalid argument"):
        program.ask("rounds", "no-such-trace")


def test_a_ratio_is_taken_round_by_round():
    figure = ratio("a / b", "mixed", [10.0, 40.0, 30.0], [1.0, 2.0, 10.0])
    assert figure.rounds == (10, 20, 3)
    assert figure.median == 10
    assert figure.spread == pytest.approx(1.7)


def test_a_budget_is_met_by_the_median_and_bounds_may_differ_by_case():
    budget = budgets.BUDGETS[0]
    figure = Figure(budget.name, "small-churn", "x", (1.0, 290.0, 900.0))
    (row,) = budgets.verdicts([figure], [budget])
    assert row.bound == 300
    assert not row.met


def test_table_has_every_budget_within_a_hundred_columns(figures):
    text = report.text({"processor": "one"}, figures)
    assert max(len(line) for line in text.splitlines()) <= 100
    for budget in budgets.BUDGETS:
        assert budget.what in text
    assert " OK" in text or " MISS" in text


def test_program_prints_json_and_succeeds_whatever_is_missed():
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json", "--rounds", "1"]
    done = subprocess.run(
        [*command, "--only", "buddy"], cwd=ROOT, capture_output=True, check=True
    )
    document = json.loads(done.stdout)
    assert document["machine"]["processor"]
    assert {"name", "case", "unit", "rounds", "median", "spread"} <= set(
        document["figures"][-1]
    )
    assert {row["what"] for row in document["budgets"]}


PEERS = {
    "listed": listed.replay,
    "sorted": sorted_runs.replay,
    "scanned": scanned.replay,
}


@pytest.fixture(params=PEERS.values(), ids=PEERS)
def first_fit(request):
    return request.param


def test_first_fit_peer_takes_the_lowest_run_and_joins_what_comes_back(first_fit):
    start = Start(pages=16, holes=((2, 3), (8, 6)), held={7: (5, 3), 8: (0, 2)})
    events = Events(op=[0, 0, 1, 1], buffer=[1, 2, 7, 1], pages=[4, 3, 3, 4])
    answer = first_fit(start, events)
    assert answer.place == [8, 2, 5, 8]
    assert answer.free == [5, 2, 5, 9]
    assert answer.largest == [3, 2, 3, 9]
    assert answer.unusable == pytest.approx([0.4, 0.0, 0.4, 0.0])


def test_first_fit_peer_remembers_what_failed(first_fit):
    start = Start(pages=8, holes=((0, 2), (4, 2)), held={1: (2, 2), 2: (6, 2)})
    events = Events(op=[0, 1, 1], buffer=[5, 5, 6], pages=[3, 3, 1])
    answer = first_fit(start, events)
    assert answer.place == [FAILED] * 3
    assert answer.free == [4] * 3


def test_a_peer_that_answers_otherwise_is_told_from_the_core(monkeypatch):
    kind = KINDS[1]
    records = traces.events(kind.name, 4000)

    def lying(start, events):
        return listed.replay(start, Events(events.op, events.buffer, [1] * len(events)))

    monkeypatch.setattr(notebook, "PEERS", {"listed": lambda: lying})
    with pytest.raises(program.WrongResult, match="listed: another place, event 2"):
        notebook.measure(kind, records, traces.trace(records), QUICK)


def test_system_heap_in_simpy_reclaims_refuses_and_agrees_with_the_core():
    kind = traces.Kind("camera", 1000, GiB)
    records = traces.events(kind.name, 1000)
    events = system.events_of(records)
    model = system.peer(traces.pooled(kind), events)
    model.advance(len(events))
    core = Core(traces.trace(records), traces.pooled(kind))
    core.advance(len(events))
    system.compare(core, model.rows)
    assert {row.status for row in model.rows} == {0, -errno.ENOMEM}
    assert max(row.pool_entries for row in model.rows) > 0


def test_cost_against_size_has_a_row_for_each_board_that_fits(figures):
    rows = tables.against_size(figures).rows
    assert {row[0] for row in rows} == {
        f"{heap}, 2 GiB, {how}"
        for heap in sizes.HEAPS
        for how in (sizes.AS_FULL, sizes.AS_MANY)
    }


def test_a_board_too_large_for_the_machine_is_told_and_not_made(monkeypatch):
    monkeypatch.setattr(sizes, "available", lambda: 100 << 20)
    figures = sizes.measure(Plan(rounds=1, only=sizes.NAME))
    assert [figure.rounds for figure in figures if "too large" in figure.note]
    assert "too large here" in tables.against_size(figures).text()
    assert json.dumps(report.document({}, figures))


def test_page_has_every_table_the_machine_and_the_picture(figures, tmp_path):
    picture = tmp_path / "cost"
    written = plot.write(figures, picture)
    assert [path.suffix for path in written] == [".html", ".png"]
    assert written[1].read_bytes().startswith(b"\x89PNG")
    text = page.text({"processor": "one", "date": "today"}, figures, QUICK)
    for heading in page.HEADINGS:
        assert f"## {heading}" in text
    assert "| budgets | trace |" in text
    assert "- processor: one" in text
    assert "images/cost-against-size.png" in text
