# SPDX-License-Identifier: MIT
"""TAP version 13: plans, subtests, directives and diagnostics."""

import re
import shutil
import subprocess
from dataclasses import replace

import pytest

from heapkit.conformance import run
from tests.unit.conformance.test_report import BAD, ROW, report_of

SKIPPED = replace(ROW, verdict="skip", answer="", reason="no # here")
ABSENT = replace(ROW, verdict="not carried", answer="", reason="no descriptor")


def lines_of(*rows):
    return report_of(*rows).tap().splitlines()


def test_document_begins_with_its_version_and_the_plan():
    lines = lines_of(ROW, replace(ROW, heap="camera"))
    assert lines[0] == "TAP version 13"
    assert lines[2] == "1..2"


def test_every_heap_is_a_subtest_with_a_plan_and_a_verdict():
    lines = lines_of(ROW, BAD, replace(ROW, heap="camera"))
    assert lines[3:5] == ["# Subtest: system", "    1..2"]
    assert "not ok 1 - system" in lines
    assert "ok 2 - camera" in lines


def test_failure_has_both_answers_in_a_block():
    text = report_of(BAD).tap()
    block = text[text.index("---") : text.index("...")]
    assert 'expected: "EINVAL"' in block
    assert 'answer: "ok"' in block


def test_skip_is_a_directive_with_its_reason_and_counts_as_ok():
    lines = lines_of(SKIPPED, ABSENT)
    assert lines[5].startswith("    ok 1 - ")
    assert lines[5].endswith("# SKIP no \\# here")
    assert lines[6].endswith("# SKIP not carried by the simulation: no descriptor")


def test_text_of_a_heap_begins_no_directive():
    odd = replace(ROW, heap="a#b\nnot ok 7")
    lines = lines_of(odd)
    assert not [line for line in lines if line.startswith("not ok")]
    assert "ok 1 - a\\#b not ok 7" in lines


def test_plan_is_kept_for_every_heap(every_kind):
    text = run(every_kind, progress=False).tap()
    plans = re.findall(r"^    1\.\.(\d+)$", text, flags=re.MULTILINE)
    points = re.findall(r"^    (?:not )?ok \d+ ", text, flags=re.MULTILINE)
    assert len(points) == sum(map(int, plans))


@pytest.mark.skipif(not shutil.which("prove"), reason="prove(1) is not installed")
def test_prove_understands_it(tmp_path, small):
    path = tmp_path / "report.tap"
    path.write_text(run(small, progress=False).tap())
    command = ["prove", "--exec", "cat", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Result: PASS" in done.stdout, done.stdout + done.stderr
