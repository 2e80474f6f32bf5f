# SPDX-License-Identifier: MIT
"""Benchmarks run and name their machine; what they measure is not a test's affair."""

from benchmarks import replay_rate
from benchmarks.machine import machine


def test_a_number_comes_with_the_machine_it_was_measured_on():
    assert {"processor", "cores", "load", "python"} <= set(machine())


def test_every_workload_is_replayed_and_has_its_line(monkeypatch):
    short = {"small_churn": lambda: replay_rate.hk.workloads.small_churn(events=200)}
    monkeypatch.setattr(replay_rate, "WORKLOADS", short)
    rate = replay_rate.measure("small_churn", rounds=1)
    assert rate.events == 200
    assert rate.events_per_second > 0
    assert "small_churn" in replay_rate.table([rate])
