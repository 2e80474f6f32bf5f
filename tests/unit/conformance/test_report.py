# SPDX-License-Identifier: MIT
"""A report counts, shows failures first, and comes back from a file as it was."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import heapkit as hk
from heapkit.conformance import Platform, Report, Row, run

ROW = Row(
    heap="system",
    kind="system",
    check="alloc.len.zero",
    title="a length of 0 is <refused>",
    did="ALLOC",
    source="dma-heap.c",
    expected=("EINVAL",),
    answer="EINVAL",
    verdict="ok",
)
BAD = replace(ROW, check="alloc.arg.null", answer="ok", verdict="not ok")
PLATFORM = Platform(backend="sim", kernel="6.12.117", features={"sync_file": True})


def report_of(*rows):
    return Report(PLATFORM, rows, "by hand")


@pytest.fixture(scope="module")
def real(every_kind):
    return run(every_kind, ["system", "camera"], progress=False)


def test_written_report_is_read_as_it_was(real, tmp_path):
    real.write(tmp_path / "report.json")
    assert Report.read(tmp_path / "report.json") == real


def test_report_without_a_failure_and_with_an_answer_is_ok():
    assert report_of(ROW).ok
    assert not report_of(ROW, BAD).ok
    assert not report_of(replace(ROW, verdict="skip", answer="")).ok
    assert not report_of().ok


def test_rows_are_counted_by_verdict_and_heap(real):
    counts = real.counts()
    assert sum(counts.values()) == len(real)
    assert counts["ok"] == sum(real.counts(heap)["ok"] for heap in real.heaps)


def test_frame_has_a_row_per_check_and_heap(real):
    frame = real.to_frame()
    assert len(frame) == len(real)
    assert set(frame["heap"]) == {"system", "camera"}
    assert frame["expected"].map(type).eq(str).all()


def test_frame_of_nothing_has_its_columns():
    assert list(report_of().to_frame().columns)[:3] == ["heap", "kind", "check"]


def test_text_has_both_answers_of_a_failure():
    text = str(report_of(ROW, BAD))
    assert "system: 1 ok, 1 not ok" in text
    assert "expected EINVAL; answer ok" in text


def test_table_has_failures_before_what_is_folded_away():
    shown = report_of(ROW, BAD)._repr_html_()
    assert shown.index("alloc.arg.null") < shown.index("<details>")
    assert shown.index("alloc.len.zero") > shown.index("<details>")
    assert "&lt;refused&gt;" in shown


def test_repr_says_what_came_of_it():
    assert repr(report_of(ROW, BAD)) == (
        "<Report of system on sim, Linux 6.12.117 (sync_file): 1 ok, 1 not ok>"
    )


TOLD = json.loads(report_of(ROW).to_json())


def changed(**fields):
    return json.dumps(TOLD | fields)


def changed_row(**fields):
    return changed(rows=[TOLD["rows"][0] | fields])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        "{}",
        changed(format="other"),
        changed(rows=3),
        changed(rows=[3]),
        changed(rows=[{}]),
        changed(platform=3),
        changed(platform={"backend": "sim"}),
        changed(platform={"backend": 3, "kernel": "6.12"}),
        changed(platform={"backend": "sim", "kernel": "6.12", "features": {"a": 1}}),
        changed(platform={"backend": "sim", "kernel": "6.12", "features": [1]}),
        changed_row(answer=3),
        changed_row(expected="EINVAL"),
        changed_row(expected=[3]),
        changed_row(verdict="maybe"),
        changed_row(more="x"),
    ],
)
def test_file_that_is_no_report_is_a_format_error_with_its_path(tmp_path, text):
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(hk.FormatError, match=r"report\.json"):
        Report.read(path)


@given(data=st.binary())
def test_any_bytes_are_a_report_or_a_format_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "report.json"
    path.write_bytes(data)
    with pytest.raises(hk.FormatError):
        Report.read(path)
