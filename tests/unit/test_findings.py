# SPDX-License-Identifier: MIT
"""What is stale or lost in a run: where it comes from, and which call is missing."""

import copy
import pickle

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op
from heapkit._ffi import Access

R, W, RW, SKIP = 1, 2, 3, 7
SIZE = 16 * KiB
BOARD = hk.Board(
    name="bench",
    heaps=(
        hk.CarveoutHeap(name="camera", size=1 * MiB),
        hk.SecureHeap(name="secure", size=1 * MiB),
    ),
    devices=(
        hk.Device("isp"),
        hk.Device("gpu"),
        hk.Device("npu", coherent=True),
    ),
)
DEVICES = ("isp", "gpu", "npu")


def trace_of(*events, heap="camera", buffer=77):
    """A trace of one buffer; an event is an op and what differs from the usual."""
    rows = [(Op.ALLOC, {"size": SIZE})]
    rows += [(e, {}) if isinstance(e, Op) else (e[0], e[1]) for e in events]
    usual = {"size": 0, "device": "isp", "access": RW, "offset": 0}
    columns = {name: [row.get(name, v) for _, row in rows] for name, v in usual.items()}
    return hk.Trace.from_columns(
        op=[op for op, _ in rows],
        buffer=[buffer] * len(rows),
        heap=heap,
        time_ns=np.arange(len(rows)) * 10,
        devices=DEVICES,
        **columns,
    )


def check(*events, board=BOARD, **options):
    return hk.coherency(hk.replay(trace_of(*events, **options), board))


def told(*events, **options):
    """What the only finding says."""
    (finding,) = check(*events, **options)
    return finding.explanation


MAPPED = (Op.ATTACH, Op.MAP)


# --- Where it comes from -----------------------------------------------------


def test_a_stale_read_of_the_cpu_names_the_write_and_the_missing_call():
    events = (
        *MAPPED,
        (Op.DEVICE_WRITE, {"offset": 8192, "size": 4096}),
        (Op.DEVICE_WRITE, {"size": 4096}),
        (Op.DEVICE_WRITE, {"offset": 8192, "size": 64}),
        (Op.CPU_READ, {"size": 4096}),
    )
    assert told(*events) == (
        "Event 6: the CPU reads 4096 bytes of buffer 77 at offset 0 that isp wrote in "
        "event 4 and nothing invalidated since: BEGIN_CPU (read) is missing."
    )


def test_a_stale_read_of_a_device_names_the_write_of_the_cpu():
    events = (*MAPPED, Op.CPU_WRITE, (Op.DEVICE_READ, {"size": 64}))
    assert told(*events) == (
        "Event 4: isp reads 64 bytes of buffer 77 at offset 0 that the CPU wrote in "
        "event 3 and nothing cleaned since: END_CPU (write) is missing."
    )


def test_what_is_invalidated_before_it_is_cleaned_is_lost():
    events = (*MAPPED, (Op.CPU_WRITE, {"size": 64}), (Op.BEGIN_CPU, {"access": R}))
    findings = check(*events)
    assert findings.counts() == {"LOST_CPU_WRITE": 1}
    assert findings[0].cause == 3
    assert findings[0].missing == "END_CPU (write)"


def test_dirty_lines_may_be_written_over_what_a_device_writes():
    events = (*MAPPED, (Op.CPU_WRITE, {"offset": 128, "size": 10}), Op.DEVICE_WRITE)
    (finding,) = check(*events)
    assert (finding.kind, finding.offset, finding.bytes) == (
        *("LOST_DEVICE_WRITE", 128, 64),
    )
    assert (finding.cause, finding.missing) == (3, "END_CPU (write)")


def test_a_part_of_a_stale_line_that_the_cpu_writes_loses_the_rest():
    events = (*MAPPED, Op.DEVICE_WRITE, (Op.CPU_WRITE, {"offset": 10, "size": 4}))
    assert "parts of cache lines, 64 bytes of buffer 77 at offset 0" in told(*events)
    assert check(*events)[0].missing == "BEGIN_CPU (read and write)"


def test_zeroes_are_written_by_the_allocation():
    skipped = (Op.MAP, {"access": SKIP})
    (finding,) = check(Op.ATTACH, skipped, Op.DEVICE_READ)
    assert finding.cause == 0
    assert finding.missing == "a MAP of isp without SKIP_SYNC"
    assert "that were zeroed in event 0" in finding.explanation


def test_a_mapping_that_was_undone_without_a_sync_is_told():
    skipped = (Op.MAP, {"access": SKIP})
    cleaned = (*MAPPED, Op.UNMAP)
    events = (*cleaned, skipped, Op.DEVICE_WRITE, Op.UNMAP, Op.CPU_READ)
    assert check(*events)[0].missing == "an UNMAP of isp without SKIP_SYNC"


def test_lazily_the_bracket_of_the_cpu_is_what_is_missing():
    board = BOARD.replace({"sync.lazy": True})
    events = (*MAPPED, Op.DEVICE_WRITE, Op.UNMAP, Op.CPU_READ)
    (finding,) = check(*events, board=board)
    assert finding.missing == "BEGIN_CPU (read)"
    bracketed = (*events[:-1], (Op.BEGIN_CPU, {"access": R}), Op.CPU_READ)
    assert check(*bracketed, board=board).wrong == 0


def test_an_access_without_a_mapping_names_the_mapping():
    first, second = check(Op.DEVICE_READ)
    assert (first.kind, first.missing) == ("UNMAPPED_DEVICE", "ATTACH and MAP of isp")
    assert second.kind == "STALE_DEVICE_READ"
    assert check(Op.ATTACH, Op.DEVICE_READ)[0].missing == "MAP of isp"


def test_a_device_that_snoops_may_read_what_a_cache_fetched_before():
    npu = {"device": "npu"}
    events = (*MAPPED, (Op.ATTACH, npu), (Op.MAP, npu), Op.DEVICE_WRITE)
    findings = check(*events, (Op.DEVICE_READ, npu))
    assert (findings.wrong, findings.warnings) == (0, 1)
    assert findings[0].missing == "UNMAP of isp"
    assert check(*events, Op.UNMAP, (Op.DEVICE_READ, npu)).warnings == 0


@pytest.mark.parametrize(
    ("events", "kind", "cause", "missing"),
    [
        (
            [(Op.END_CPU, {"access": R})],
            *("END_WITHOUT_BEGIN", None, "BEGIN_CPU (read)"),
        ),
        (
            [(Op.BEGIN_CPU, {"access": R}), Op.BEGIN_CPU],
            *("NESTED_BEGIN", 1, "END_CPU (read)"),
        ),
        (
            [(Op.BEGIN_CPU, {"access": W}), Op.END_CPU],
            *("DIRECTION_MISMATCH", 1, "END_CPU (write)"),
        ),
        ([Op.BEGIN_CPU, Op.FREE], "OPEN_AT_FREE", 1, "END_CPU (read and write)"),
        (
            [*MAPPED, (Op.ATTACH, {"device": "gpu"}), Op.FREE],
            *("MAPPED_AT_FREE", None, "UNMAP and DETACH of isp, DETACH of gpu"),
        ),
        ([Op.MMAP, Op.VMAP, Op.FREE], "MAPPED_AT_FREE", None, "MUNMAP, VUNMAP"),
    ],
)
def test_what_the_kernel_lets_pass_is_a_warning(events, kind, cause, missing):
    (finding,) = check(*events)
    assert (finding.kind, finding.severity) == (kind, "warning")
    assert (finding.cause, finding.missing) == (cause, missing)
    assert missing in finding.explanation
    assert "77" in finding.explanation


def test_nested_brackets_are_told_by_the_one_that_is_open():
    begin, end = (Op.BEGIN_CPU, {"access": R}), (Op.END_CPU, {"access": R})
    findings = check(begin, begin, end, begin)
    assert [finding.cause for finding in findings] == [1, 1]


def test_calls_that_were_undone_are_not_told():
    undone = (*MAPPED, Op.DETACH, Op.MMAP, Op.MUNMAP, Op.VMAP, Op.VUNMAP)
    assert len(check(*undone, Op.FREE)) == 0


def test_an_earlier_life_of_a_buffer_is_another_buffer():
    events = (*MAPPED, Op.DEVICE_WRITE, Op.UNMAP, Op.DETACH, Op.FREE)
    again = (Op.ALLOC, {"size": SIZE})
    (finding,) = check(
        *events, again, *MAPPED, Op.CPU_WRITE, (Op.DEVICE_READ, {"size": 64})
    )
    assert finding.cause == 10


def test_refused_events_made_nothing_stale():
    refused = (Op.DEVICE_WRITE, {"size": SIZE + 1})
    events = (*MAPPED, (Op.DEVICE_WRITE, {"size": 64}), refused, Op.CPU_READ)
    assert check(*events)[0].cause == 3


# --- The table ---------------------------------------------------------------


def wrong_run():
    events = (*MAPPED, Op.DEVICE_WRITE, Op.CPU_READ, (Op.END_CPU, {"access": R}))
    return hk.replay(trace_of(*events), BOARD)


def test_a_frame_has_a_row_for_each_finding():
    findings = hk.coherency(wrong_run())
    frame = findings.to_frame()
    assert len(frame) == len(findings) == 2
    for row, finding in zip(frame.to_dict("records"), findings, strict=True):
        assert row["cause"] == (-1 if finding.cause is None else finding.cause)
        for name in ("event", "time_ns", "buffer", "heap", "kind", "severity"):
            assert row[name] == getattr(finding, name)
        assert row["missing"] == finding.missing
    assert frame["device"].isna().all()
    assert frame["event"].tolist() == [4, 5]
    assert frame["time_ns"].tolist() == [40, 50]


def test_findings_are_told_apart_by_what_they_mean():
    findings = hk.coherency(wrong_run())
    assert (findings.wrong, findings.warnings) == (1, 1)
    assert findings.counts() == {"STALE_CPU_READ": 1, "END_WITHOUT_BEGIN": 1}
    assert [finding.severity for finding in findings] == ["wrong data", "warning"]
    assert findings[-1] == findings[1]
    assert findings.explain(-1) == findings[1].explanation
    with pytest.raises(IndexError, match="there are 2"):
        findings[2]


def test_findings_do_not_change():
    findings = hk.coherency(wrong_run())
    with pytest.raises(AttributeError, match="immutable"):
        findings._found = None


@pytest.mark.parametrize("again", [copy.copy, lambda f: pickle.loads(pickle.dumps(f))])  # noqa: S301
def test_copied_findings_say_the_same(again):
    findings = hk.coherency(wrong_run())
    assert again(findings).to_frame().equals(findings.to_frame())


def test_nothing_wrong_is_an_empty_table():
    findings = check(*MAPPED, Op.DEVICE_WRITE, Op.UNMAP, Op.CPU_READ)
    assert len(findings) == 0
    assert list(findings.to_frame().columns) == [
        *("event", "time_ns", "buffer", "heap", "device", "kind", "severity"),
        *("bytes", "offset", "cause", "missing"),
    ]
    assert repr(findings) == "<Findings: 0 with wrong data, 0 warnings>"


def test_a_trace_that_does_not_say_who_reads_says_so():
    findings = check(*MAPPED, Op.END_CPU)
    assert not findings.follows_data
    assert "does not say who reads and writes" in repr(findings)
    assert "does not say who reads and writes" in findings._repr_html_()


def test_the_table_in_a_notebook_is_short():
    findings = check(*[Op.END_CPU] * 30)
    assert findings._repr_html_().count("<tr>") == 11
    assert "and 20 more" in findings._repr_html_()


def test_a_trace_without_devices_is_told_of_a_device():
    trace = hk.Trace.from_columns(
        op=[Op.ALLOC, Op.DEVICE_WRITE],
        buffer=[0, 0],
        size=[SIZE, 0],
        heap="camera",
        time_ns=[0, 0],
    )
    findings = hk.coherency(hk.replay(trace, BOARD))
    assert findings[0].explanation.startswith("Event 1: device writes")


def test_only_a_run_can_be_checked():
    with pytest.raises(ValueError, match="a heapkit"):
        hk.coherency(trace_of())


def test_a_long_trace_is_checked_part_by_part():
    events = (*MAPPED, *[Op.DEVICE_WRITE, Op.CPU_READ] * 20_000)
    findings = check(*events)
    assert len(findings) == 20_000
    assert findings.to_frame()["cause"].tolist() == list(range(3, 40_003, 2))


def test_a_secure_buffer_is_never_stale():
    access = Access.READ
    events = (*MAPPED, Op.DEVICE_WRITE, (Op.BEGIN_CPU, {"access": access}), Op.CPU_READ)
    assert check(*events, heap="secure").wrong == 0
