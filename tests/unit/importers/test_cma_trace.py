# SPDX-License-Identifier: MIT
"""The recording of a real kernel: its requests, its outcomes, its faults."""

import errno
import json

import numpy as np
import pytest

from heapkit.errors import FormatError
from heapkit.importers import cma_trace
from heapkit.samples import sample
from heapkit.trace import Op

PATH = sample("cma_trace_16M.json")
TEXT = PATH.read_text()
RECORDINGS = cma_trace.parse(TEXT)
QUIET = RECORDINGS["quiet"]


def test_file_holds_two_recordings_of_199_operations():
    assert {tag: len(r) for tag, r in RECORDINGS.items()} == {
        "quiet": 199,
        "movable_pressure": 199,
    }


def test_requests_are_the_quiet_trace():
    trace = cma_trace.read(PATH)
    assert (np.count_nonzero(trace.op == Op.ALLOC), len(trace)) == (125, 199)
    assert trace.heaps == ("reserved",)
    assert trace.meta["recording"] == "quiet"
    assert trace.equals(QUIET.trace)


def test_trace_names_kernel_and_area():
    meta = QUIET.trace.meta
    assert "6.12.117" in meta["kernel"]
    assert (meta["base_pfn"], meta["count"], meta["order_per_bit"]) == (94208, 4096, 0)
    assert meta["alignment_order"] == 8


def test_another_recording_can_be_asked_for():
    trace = cma_trace.read(PATH, tag="movable_pressure")
    assert trace.meta["recording"] == "movable_pressure"


def test_unknown_recording_is_a_wrong_argument():
    with pytest.raises(ValueError, match="quiet, movable_pressure"):
        cma_trace.read(PATH, tag="loud")


def test_operations_follow_one_another_in_time():
    assert QUIET.trace.time_ns[0] == 0
    assert (np.diff(QUIET.trace.time_ns) == QUIET.latency_ns[:-1]).all()


def test_seventy_requests_found_no_memory():
    assert np.count_nonzero(QUIET.status == -errno.ENOMEM) == 70
    assert (QUIET.offset_pages[QUIET.status != 0] == -1).all()


def test_placed_requests_keep_the_alignment_of_their_size():
    placed = (QUIET.trace.op == Op.ALLOC) & (QUIET.status == 0)
    pages = (QUIET.trace.size[placed] + np.uint64(4095)) // np.uint64(4096)
    order = np.minimum(np.ceil(np.log2(pages)).astype(int), QUIET.alignment_order)
    assert (QUIET.offset_pages[placed] % (1 << order) == 0).all()


def test_both_recordings_place_alike():
    pressed = RECORDINGS["movable_pressure"]
    assert (QUIET.offset_pages == pressed.offset_pages).all()
    assert QUIET.runs == pressed.runs


def test_state_after_an_operation_is_a_snapshot():
    last = QUIET.snapshot(198)
    assert (last.used_bytes, last.largest_free_bytes) == (2997 * 4096, 256 * 4096)
    assert (last.heap, last.base) == ("reserved", 94208 * 4096)
    assert sum(region.size for region in last.regions) == last.size


def changed(change):
    top = json.loads(TEXT)
    change(top)
    return json.dumps(top)


def step(number, **values):
    """A change of one operation of the first recording."""
    return lambda top: top["traces"][0]["log"][number].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda top: top.pop("base_pfn"), "there is no 'base_pfn'"),
        (lambda top: top.update(base_pfn=-1), "base_pfn: expected 0 to"),
        (lambda top: top.update(base_pfn=1.5), "expected a whole number"),
        (lambda top: top.update(base_pfn=True), "expected a whole number"),
        (lambda top: top.update(count=1 << 40), "count: "),
        (lambda top: top.update(count=1 << 30), "is the most that is read"),
        (lambda top: top.update(count=1024), "expected"),
        (lambda top: top.update(order_per_bit=1), "order_per_bit: expected 0 to 0"),
        (lambda top: top.update(heap="a|b"), "expected the name of one heap"),
        (lambda top: top.update(heap=7), "expected a string"),
        (lambda top: top.update(uname="Linux"), "uname: expected an array"),
        (lambda top: top.update(n_ops=198), "199 operations are recorded"),
        (lambda top: top.update(traces={}), "traces: expected an array"),
        (lambda top: top.update(traces=[]), "there is no recording 'quiet'"),
        (lambda top: top["traces"][1].update(tag="quiet"), "a second recording"),
        (lambda top: top["traces"].append(7), r"traces\[2\]: expected an object"),
        (lambda top: top["traces"][0]["log"].pop(5), "does not follow"),
        (step(3, used=8), r"traces\[0\]\.log\[3\]\.used: the bitmap has 7"),
        (step(3, maxchunk=8), "the bitmap has 4089 free pages in a row"),
        (step(3, runs=[[0, 7], [5, 2]]), "ascending and in the area"),
        (step(3, runs=[[0, 7, 1]]), "ascending and in the area"),
        (step(3, runs=[[4095, 2]]), "ascending and in the area"),
        (step(3, offset_pages=5), "does not follow"),
        (step(3, len=4096), "does not follow"),
        (step(3, len=0), "expected 1 to"),
        (step(3, len=float("nan")), "expected a whole number"),
        (step(3, id=0), "held already"),
        (step(3, op="realloc"), "expected 'alloc' or 'free'"),
        (step(3, errno="ENOPE"), "the name of an errno"),
        (step(3, errno="errorcode"), "the name of an errno"),
        (step(3, errno="ENOMEM"), "does not follow"),
        (step(3, ns=-1), "ns: expected 0 to"),
        (step(3, ns=10**18), "ns: expected 0 to"),
        (step(198, op="free"), "not held"),
    ],
)
def test_recording_that_contradicts_itself_is_refused(change, message):
    with pytest.raises(FormatError, match=message) as caught:
        cma_trace.parse(changed(change), path="trace.json")
    assert caught.value.path == "trace.json"
    assert caught.value.line == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{\n\n}}", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 5000, "not JSON"),
        ("[]", "the top level: expected an object"),
        ("{}", "there is no 'heap'"),
    ],
)
def test_what_is_no_recording_is_refused(text, message):
    with pytest.raises(FormatError, match=message):
        cma_trace.parse(text)


def test_fault_of_the_syntax_has_its_line():
    with pytest.raises(FormatError) as caught:
        cma_trace.parse('{\n"heap":\n"a",,\n}')
    assert caught.value.line == 3
