# SPDX-License-Identifier: MIT
"""Benchmarks give right results and say what they measured; times are no test."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import budgets, native, program, report
from benchmarks.figures import Figure, ratio
from benchmarks.machine import machine
from benchmarks.plan import Plan
from benchmarks.traces import KINDS

ROOT = Path(__file__).resolve().parent.parent
QUICK = Plan(rounds=2, quick=True)


@pytest.fixture(scope="module")
def figures():
    """Fails where a placement or a gauge differs from the linear scan's."""
    return native.measure(QUICK)


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
        assert {"do-nothing on", "first-align off", "order-align on"} <= names


def test_every_figure_has_a_value_for_every_round(figures):
    timed = [figure for figure in figures if figure.unit in {"x", "ns/event"}]
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


def test_table_has_every_native_budget_within_a_hundred_columns(figures):
    text = report.table({"processor": "one"}, figures)
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
