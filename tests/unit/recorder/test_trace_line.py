# SPDX-License-Identifier: MIT
"""Lines of trace_pipe, and the fields of the events that are recorded."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heapkit.errors import FormatError
from heapkit.recorder import trace_line, tracepoints
from heapkit.recorder.trace_line import TraceLine
from tests.unit.recorder.fake import cma, line, release


def test_a_line_is_task_time_event_and_fields():
    found = trace_line.parse(line(12.345678, "cma_release", "a=1", task="x y-z", pid=7))
    assert found == TraceLine("x y-z", 7, 12_345_678_000, "cma_release", "a=1")
    assert found.process == "x y-z-7"


def test_a_thread_group_and_no_state_are_passed_over():
    text = "  kworker/u8:1-45      (   45) [003] 0.000001: mm_page_free: page=1"
    assert trace_line.parse(text).task == "kworker/u8:1"


@pytest.mark.parametrize(
    ("text", "n"), [("CPU:0 [LOST 123 EVENTS]", 123), ("CPU:11 [LOST EVENTS]", 1)]
)
def test_lost_events_are_a_number(text, n):
    assert trace_line.parse(text) == n


@pytest.mark.parametrize("text", ["", "   ", "# tracer: nop"])
def test_blanks_and_comments_say_nothing(text):
    assert trace_line.parse(text) is None


def test_another_text_is_refused_and_shown():
    with pytest.raises(FormatError, match="garbage"):
        trace_line.parse("garbage")


@given(st.text(max_size=200))
def test_no_text_breaks_the_parser(text):
    try:
        found = trace_line.parse(text)
    except FormatError:
        return
    if isinstance(found, TraceLine):
        try_fields(found)


def try_fields(found):
    with contextlib.suppress(FormatError):
        tracepoints.fields(found)


@given(
    st.sampled_from(sorted(tracepoints._FIELDS)),
    st.text(st.sampled_from("pfn=0x123fcount page-e name inodelB\n"), max_size=80),
)
def test_no_fields_break_the_parser(event, fields):
    try_fields(TraceLine("cat", 1, 0, event, fields))


@given(st.integers(0, 10**9), st.integers(1, 2**39), st.integers(1, 2**30))
def test_what_is_printed_is_read(us, pfn, pages):
    found = trace_line.parse(cma(us / 10**6, pfn, pages))
    fields = tracepoints.fields(found)
    assert (found.time_ns, fields.pfn, fields.size) == (us * 1000, pfn, pages * 4096)


def test_a_failed_cma_allocation_has_no_page_frame_and_an_errno():
    found = tracepoints.fields(trace_line.parse(cma(1, 2**64 - 1, 16384, errno=-12)))
    assert (found.name, found.pfn, found.errno) == ("reserved", None, 12)
    assert found.size == 16384 * 4096


def test_older_kernels_name_no_area_and_no_error():
    found = TraceLine("cat", 1, 0, "cma_alloc", "pfn=1f0 page=ab count=4 align=0")
    assert tracepoints.fields(found) == tracepoints.Fields("cma", 0x1F0, None, 16384)


def test_other_events_have_no_fields_here():
    found = TraceLine("cat", 1, 0, "sched_switch", "anything")
    assert tracepoints.fields(found) is None


def test_a_release_says_its_pages():
    fields = tracepoints.fields(trace_line.parse(release(1, 0x10, 3)))
    assert (fields.pfn, fields.size) == (0x10, 3 * 4096)
