# SPDX-License-Identifier: MIT
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import heapkit as hk
from heapkit import Op
from heapkit.trace_schema import SCHEMA


def small(**changes):
    given_columns = {
        "op": [Op.ALLOC, Op.BEGIN_CPU, Op.FREE],
        "buffer": [7, 7, 7],
        "size": [4096, 0, 0],
        "heap": "camera|system",
        "time_ns": [0, 10, 2**62],
    }
    return hk.Trace.from_columns(**{**given_columns, **changes})


def damaged(path, change):
    """The file of a small trace with its Arrow table changed."""
    small().write(path)
    table = change(pq.read_table(path))
    pq.write_table(table, path)
    return path


def with_metadata(**changes):
    def change(table):
        metadata = dict(table.schema.metadata)
        metadata |= {f"heapkit.{k}".encode(): v.encode() for k, v in changes.items()}
        return table.replace_schema_metadata(metadata)

    return change


def with_column(name, array):
    def change(table):
        return table.set_column(table.column_names.index(name), name, array)

    return change


def test_a_trace_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "t.parquet"
    full = small(
        device=["isp", "isp", "isp"],
        access=[0, 1, 0],
        offset=[0, 64, 0],
        meta={"seed": 1, "who": "µ"},
    )
    full.write(path)
    back = hk.Trace.read(path)
    assert back.equals(full)
    assert back.heaps == full.heaps
    assert back.devices == full.devices
    assert back.chain.tolist() == full.chain.tolist()


def test_an_empty_trace_comes_back(tmp_path):
    path = tmp_path / "t.parquet"
    empty = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    empty.write(path)
    assert hk.Trace.read(str(path)).equals(empty)


def test_chains_that_nobody_uses_come_back_too(tmp_path):
    path = tmp_path / "t.parquet"
    small(heap=[2, 0, 0], heaps=["a", "b", "c"]).write(path)
    back = hk.Trace.read(path)
    assert back.heaps == ("a", "b", "c")
    assert back.chain[0] == 2


@st.composite
def traces(draw):
    """Any trace of allocations and frees, over a few chains."""
    ops, ids, sizes, live = [], [], [], []
    for _ in range(draw(st.integers(0, 30))):
        if live and draw(st.booleans()):
            ops.append(Op.FREE)
            ids.append(live.pop(draw(st.integers(0, len(live) - 1))))
            sizes.append(0)
        else:
            new = draw(st.integers(0, 2**63).filter(lambda i: i not in live))
            live.append(new)
            ops.append(Op.ALLOC)
            ids.append(new)
            sizes.append(draw(st.integers(1, 2**40)))
    chain = st.sampled_from(["camera", "camera|system", "linux,cma", "é"])
    gaps = st.lists(st.integers(0, 2**40), min_size=len(ops), max_size=len(ops))
    return hk.Trace.from_columns(
        op=np.array(ops, np.uint8),
        buffer=np.array(ids, np.uint64),
        size=sizes,
        heap=[draw(chain) for _ in ops],
        time_ns=np.cumsum(draw(gaps), dtype=np.int64),
    )


@given(trace=traces())
def test_any_trace_comes_back(tmp_path_factory, trace):
    path = tmp_path_factory.mktemp("round") / "t.parquet"
    trace.write(path)
    assert hk.Trace.read(path).equals(trace)


def test_the_same_trace_gives_the_same_bytes(tmp_path):
    one, two = tmp_path / "1.parquet", tmp_path / "2.parquet"
    small().write(one)
    small(buffer=np.full(3, 7, np.uint32)).write(two)
    assert one.read_bytes() == two.read_bytes()


def test_a_file_says_its_schema_and_version(tmp_path):
    path = tmp_path / "t.parquet"
    small().write(path)
    schema = pq.read_schema(path)
    assert schema.metadata[b"heapkit.schema"] == SCHEMA.encode()
    assert schema.metadata[b"heapkit.version"] == b"1"
    assert schema.field("time_ns").type == pa.int64()


def test_writing_replaces_a_file_whole(tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("old")
    small().write(path)
    assert len(hk.Trace.read(path)) == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    path.write_text("old")

    def fail(_table, where, **_options):
        where.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="No space"):
        small().write(path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]


def test_a_missing_file_is_not_a_format_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        hk.Trace.read(tmp_path / "no.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a trace\n" * 50, b"\0" * 4096])
def test_a_foreign_file_is_refused_by_its_path(tmp_path, content):
    path = tmp_path / "foreign.parquet"
    path.write_bytes(content)
    with pytest.raises(hk.FormatError, match=r"foreign\.parquet: no readable Parquet"):
        hk.Trace.read(path)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "cut.parquet"
    small().write(path)
    content = path.read_bytes()
    for end in range(0, len(content), 7):
        path.write_bytes(content[:end])
        with pytest.raises(hk.FormatError):
            hk.Trace.read(path)


def test_a_changed_byte_in_the_data_is_refused_or_changes_nothing(tmp_path):
    path = tmp_path / "flipped.parquet"
    made = small()
    made.write(path)
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    for at in range(4, footer, 3):
        flipped = bytearray(content)
        flipped[at] ^= 0x40
        path.write_bytes(flipped)
        try:
            back = hk.Trace.read(path)
        except hk.FormatError:
            continue
        assert back.equals(made)


def test_a_parquet_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"x": [1]}), path)
    with pytest.raises(hk.FormatError, match=r"schema ''; allowed: 'heapkit\.trace'"):
        hk.Trace.read(path)


@pytest.mark.parametrize("version", ["2", "0", "", "1.0"])
def test_another_version_is_refused(tmp_path, version):
    path = damaged(tmp_path / "t.parquet", with_metadata(version=version))
    with pytest.raises(hk.FormatError, match=rf"version '{version}'.*allowed: 1"):
        hk.Trace.read(path)


@pytest.mark.parametrize("key", ["heaps", "devices", "meta"])
@pytest.mark.parametrize("value", ["", "{", "7"])
def test_broken_metadata_is_refused(tmp_path, key, value):
    def change(table):
        table = table.append_column("device", table.column("heap"))
        return with_metadata(**{key: value})(table)

    with pytest.raises(hk.FormatError, match=f"metadata heapkit.{key}"):
        hk.Trace.read(damaged(tmp_path / "t.parquet", change))


@pytest.mark.parametrize("column", ["op", "buffer", "size", "heap", "time_ns"])
def test_a_missing_column_is_refused(tmp_path, column):
    path = damaged(tmp_path / "t.parquet", lambda table: table.drop_columns(column))
    with pytest.raises(hk.FormatError, match=f"no column '{column}'"):
        hk.Trace.read(path)


def test_an_unknown_column_is_refused(tmp_path):
    path = damaged(
        tmp_path / "t.parquet", lambda t: t.append_column("colour", t.column("op"))
    )
    with pytest.raises(hk.FormatError, match="column 'colour'; allowed"):
        hk.Trace.read(path)


@pytest.mark.parametrize(
    ("column", "array", "message"),
    [
        ("size", pa.array([4096.0, 0.0, float("nan")]), "'size' is double"),
        ("size", pa.array([1, 2, 3], pa.int32()), "'size' is int32; allowed: uint64"),
        ("time_ns", pa.array([0, 1, 2], pa.timestamp("ns")), "'time_ns' is timestamp"),
        ("heap", pa.array(["a", "b", "c"]), "'heap' is string; allowed: dictionary"),
        ("size", pa.array([4096, None, 0], pa.uint64()), "'size' has 1 nulls"),
        ("op", pa.array([0, 9, 1], pa.uint8()), r"op\[1\]=9"),
        ("op", pa.array([0, 1, 1], pa.uint8()), r"buffer\[2\]=7"),
        ("time_ns", pa.array([2, 1, 3], pa.int64()), r"time_ns\[1\]=1"),
        ("time_ns", pa.array([-2, 1, 3], pa.int64()), r"time_ns\[0\]=-2"),
        ("size", pa.array([0, 0, 0], pa.uint64()), r"size\[0\]=0"),
        (
            "heap",
            pa.array(["x", "x", "x"]).dictionary_encode(),
            r"names \['x'\]; allowed: \['camera\|system'\]",
        ),
    ],
)
def test_a_column_with_wrong_contents_is_refused(tmp_path, column, array, message):
    path = damaged(tmp_path / "t.parquet", with_column(column, array))
    with pytest.raises(hk.FormatError, match=message):
        hk.Trace.read(path)


def test_a_reordered_dictionary_keeps_its_meaning(tmp_path):
    path = tmp_path / "t.parquet"
    made = small(heap=[1, 0, 0], heaps=["a", "b"])
    made.write(path)
    table = pq.read_table(path)
    other = pa.DictionaryArray.from_arrays([0, 1, 1], ["b", "a"])
    pq.write_table(with_column("heap", other)(table), path)
    assert hk.Trace.read(path).equals(made)


def test_the_names_in_a_file_are_json(tmp_path):
    path = tmp_path / "t.parquet"
    small().write(path)
    metadata = pq.read_schema(path).metadata
    assert json.loads(metadata[b"heapkit.heaps"]) == ["camera|system"]


def with_process(cells, **metadata):
    def change(table):
        appended = table.append_column("process", cells)
        return with_metadata(**metadata)(appended) if metadata else appended

    return change


NAMED = pa.array(["app"] * 3).dictionary_encode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_process(pa.array([0, 0, 0])), "column 'process' is int64; allowed: dic"),
        (with_process(NAMED), "metadata heapkit.processes; allowed: a JSON list"),
        (with_process(NAMED, processes="[]"), r"process\[0\]=.*; allowed: "),
        (with_process(NAMED, processes='["b"]'), r"'process' names \['app'\]; allow"),
        (with_process(NAMED, processes='["app", "app"]'), "processes=.*each once"),
        (
            with_process(
                pa.array(["app", None, "app"]).dictionary_encode(), processes='["app"]'
            ),
            "null",
        ),
    ],
)
def test_a_malformed_column_of_processes_is_refused(tmp_path, change, message):
    path = damaged(tmp_path / "t.parquet", change)
    with pytest.raises(hk.FormatError, match=message):
        hk.Trace.read(path)
    with pytest.raises(hk.FormatError, match=message):
        hk.replay_file(path, hk.Board.preset("phone-8g"))


def test_every_shipped_trace_is_written_again_as_it_was(tmp_path):
    path = tmp_path / "t.parquet"
    for shipped in sorted((Path(__file__).parents[2] / "data/traces").iterdir()):
        if shipped.suffix == ".parquet":
            hk.Trace.read(shipped).write(path)
            assert path.read_bytes() == shipped.read_bytes()
