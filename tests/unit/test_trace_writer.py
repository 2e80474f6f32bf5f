# SPDX-License-Identifier: MIT
"""A trace written part by part."""

import pyarrow.parquet as pq
import pytest

import heapkit as hk
from heapkit import Op, trace_writer

EVENTS = {
    "op": [Op.ALLOC, Op.BEGIN_CPU],
    "buffer": [2**60, 2**60],
    "size": [4096, 0],
    "heap": "camera|system",
    "time_ns": [5, 6],
}
CHAINS = ("camera|system",)


def test_parts_make_the_trace_that_the_whole_is(tmp_path):
    trace = hk.workloads.camera_boot(launches=2)
    path = tmp_path / "t.parquet"
    with hk.TraceWriter(
        path, heaps=trace.heaps, devices=trace.devices, meta=trace.meta
    ) as out:
        for start in range(0, len(trace), 100):
            part = slice(start, start + 100)
            out.append(
                op=trace.op[part],
                buffer=trace.buffer[part],
                size=trace.size[part],
                heap=trace.chain[part],
                time_ns=trace.time_ns[part],
                device=trace.device[part],
                access=trace.access[part],
                offset=trace.offset[part],
            )
        assert len(out) == len(trace)
    assert hk.Trace.read(path).equals(trace)


def test_names_stand_for_codes_and_absent_columns_for_their_defaults(tmp_path):
    path = tmp_path / "t.parquet"
    with hk.TraceWriter(path, heaps=CHAINS) as out:
        out.append(**EVENTS)
    assert hk.Trace.read(path).equals(hk.Trace.from_columns(**EVENTS))


def test_nothing_appended_is_an_empty_trace(tmp_path):
    path = tmp_path / "t.parquet"
    with hk.TraceWriter(path, heaps=()):
        pass
    assert len(hk.Trace.read(path)) == 0


def test_few_rows_at_a_time_are_gathered_to_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr(trace_writer, "ROW_GROUP", 16)
    path = tmp_path / "t.parquet"
    with hk.TraceWriter(path, heaps=("a",)) as out:
        for i in range(40):
            out.append(op=[Op.PRESSURE], buffer=[0], size=[1], heap="a", time_ns=[i])
    metadata = pq.read_metadata(path)
    rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
    assert rows == [16, 16, 8]


def test_the_same_events_give_the_same_bytes_however_they_come(tmp_path):
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    trace = hk.workloads.small_churn(events=200)
    for path, step in ((one, 7), (two, 200)):
        with hk.TraceWriter(path, heaps=trace.heaps) as out:
            for start in range(0, 200, step):
                part = slice(start, start + step)
                out.append(
                    op=trace.op[part],
                    buffer=trace.buffer[part],
                    size=trace.size[part],
                    heap=trace.chain[part],
                    time_ns=trace.time_ns[part],
                )
    assert one.read_bytes() == two.read_bytes()


def test_the_file_appears_when_the_block_ends(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("old")
    with hk.TraceWriter(path, heaps=CHAINS) as out:
        out.append(**EVENTS)
        assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]
    assert len(hk.Trace.read(path)) == 2


def test_an_exception_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("old")

    def half():
        with hk.TraceWriter(path, heaps=CHAINS) as out:
            out.append(**EVENTS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"op": [Op.ALLOC, 9]}, r"op\[1\]=9"),
        ({"buffer": [2**60, 1]}, r"buffer\[1\]=1; allowed: for BEGIN_CPU an id that"),
        ({"buffer": [7, 7]}, r"buffer\[0\]=7; allowed: for ALLOC an id that is not"),
        ({"size": [0, 0]}, r"size\[0\]=0"),
        ({"size": [4096]}, "size has 1 rows; allowed: 2"),
        ({"heap": "x"}, r"heap\[0\]='x'"),
        ({"heap": [1, 0]}, r"heap\[0\]=1"),
        ({"time_ns": [3, 6]}, r"time_ns\[0\]=3; allowed: 4 or more"),
        ({"time_ns": [-3, 6]}, r"time_ns\[0\]=-3"),
        ({"access": [0, 0]}, r"access\[1\]=0"),
    ],
)
def test_what_no_trace_may_hold_is_refused_and_leaves_nothing(
    tmp_path, changes, message
):
    out = hk.TraceWriter(tmp_path / "t.parquet", heaps=CHAINS)
    out.append(op=[Op.ALLOC], buffer=[7], size=[1], heap=[0], time_ns=[4])
    with pytest.raises(ValueError, match=message):
        out.append(**{**EVENTS, **changes})
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="closed"):
        out.append(**EVENTS)


def test_closing_again_and_discarding_afterwards_do_nothing(tmp_path):
    out = hk.TraceWriter(tmp_path / "t.parquet", heaps=CHAINS)
    out.append(**EVENTS)
    out.close()
    out.close()
    out.discard()
    assert len(hk.Trace.read(tmp_path / "t.parquet")) == 2


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="no"):
        hk.TraceWriter(tmp_path / "no" / "t.parquet", heaps=CHAINS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heaps": ("a", "a")}, "each once"),
        ({"heaps": ("a/b",)}, r"heaps\[0\]"),
        ({"heaps": ("a",), "meta": {"x": object()}}, "meta"),
    ],
)
def test_a_wrong_argument_leaves_no_file(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        hk.TraceWriter(tmp_path / "t.parquet", **options)
    assert list(tmp_path.iterdir()) == []
