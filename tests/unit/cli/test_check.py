# SPDX-License-Identifier: MIT
"""What ``heapkit check`` prints, and when it says no."""

import json

import pytest

import heapkit as hk
from heapkit import sharing

PHONE = ("--board", "phone-8g")


@pytest.fixture
def shared(tmp_path):
    """A file with the workload under a policy."""

    def write(policy):
        path = tmp_path / f"{policy}.parquet"
        sharing.apply(hk.workloads.uses(frames=8), policy).write(path)
        return path

    return write


def findings_of(path):
    board = hk.Board.preset("phone-8g")
    return hk.coherency(hk.replay(hk.Trace.read(path), board))


def test_a_trace_that_loses_data_is_no(heapkit, shared):
    path = shared("no-sync")
    status, out, err = heapkit("check", path, *PHONE)
    findings = findings_of(path)
    assert (status, err) == (1, "")
    assert out.splitlines() == [*(f.explanation for f in findings), findings.heading]


def test_warnings_alone_are_a_yes(heapkit, shared):
    path = shared("pre-attach")
    status, out, _ = heapkit("check", path, *PHONE)
    assert status == 0
    assert findings_of(path).warnings > 0
    assert "0 with wrong data" in out


def test_findings_as_json(heapkit, shared):
    path = shared("no-sync")
    status, out, _ = heapkit("check", path, *PHONE, "--json")
    told, findings = json.loads(out), findings_of(path)
    assert status == 1
    assert told["counts"] == findings.counts()
    assert told["findings"][0]["explanation"] == findings.explain(0)
    assert told["findings"][0]["missing"] == findings[0].missing
    assert len(told["findings"]) == told["wrong"] + told["warnings"]


def test_a_workload_that_says_nothing_of_accesses_says_so(output):
    assert "does not say who reads" in output("check", "camera_boot", *PHONE)
