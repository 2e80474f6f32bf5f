# SPDX-License-Identifier: MIT
"""A trace file, read part by part."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heapkit as hk
from heapkit import Op
from heapkit.trace_parts import NO_CODE, TraceFile

N = 100


def whole(**changes):
    """Fifty buffers that come and go, with every column."""
    given = {
        "op": np.tile([Op.ALLOC, Op.FREE], N // 2),
        "buffer": np.repeat(np.arange(N // 2, dtype=np.uint64) << 40, 2),
        "size": np.arange(N) + 1,
        "heap": np.arange(N) % 3,
        "heaps": ("a", "b|a", "c"),
        "time_ns": np.arange(N) * 10,
        "device": np.arange(N) % 2,
        "devices": ("isp", "gpu"),
        "access": np.full(N, 3),
        "offset": np.arange(N),
    }
    return hk.Trace.from_columns(**{**given, **changes})


@pytest.fixture
def path(tmp_path):
    """A file of seven row groups."""
    path = tmp_path / "t.parquet"
    whole().write(path)
    pq.write_table(pq.read_table(path), path, row_group_size=16)
    return path


def rewritten(path, change):
    table = change(pq.read_table(path))
    pq.write_table(table, path, row_group_size=16)


@pytest.mark.parametrize("rows", [1, 7, 16, 64, 1000])
@pytest.mark.parametrize("first", [0, 1, 16, 40, N - 1, N])
def test_parts_are_the_columns_of_the_trace(path, rows, first):
    trace = hk.Trace.read(path)
    at = first
    with TraceFile(path) as file:
        assert len(file) == N
        assert (file.heaps, file.devices) == (trace.heaps, trace.devices)
        for part in file.parts(rows, first=first):
            assert part.first == at
            assert 0 < len(part) <= rows
            here = slice(at, at + len(part))
            for name in ("op", "buffer", "size", "chain", "time_ns", "device"):
                assert np.array_equal(getattr(part, name), getattr(trace, name)[here])
            assert np.array_equal(part.access, trace.access[here])
            assert np.array_equal(part.offset, trace.offset[here])
            at += len(part)
    assert at == N


def test_absent_columns_stay_absent(tmp_path):
    path = tmp_path / "t.parquet"
    whole(device=None, devices=None, access=None, offset=None).write(path)
    with TraceFile(path) as file:
        (part,) = file.parts(1000)
    assert part.device is part.access is part.offset is None
    assert part.devices == ()


def test_row_groups_may_order_their_dictionaries_as_they_like(path):
    schema = pq.read_schema(path)
    table = pq.read_table(path)
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, N, 20):
            part = table.slice(start, 20)
            heaps = part.column("heap").cast(pa.string()).combine_chunks()
            names = pa.array(np.roll(["a", "b|a", "c"], start // 20))
            codes = pa.compute.index_in(heaps, names).cast(pa.int32())
            column = pa.DictionaryArray.from_arrays(codes, names)
            writer.write_table(part.set_column(3, "heap", column))
    with TraceFile(path) as file:
        chain = np.concatenate([part.chain for part in file.parts(33)])
    assert np.array_equal(chain, whole().chain)


def test_codes_without_names_are_no_codes(tmp_path):
    path = tmp_path / "t.parquet"
    hk.Trace.from_columns(
        op=[Op.PRESSURE], buffer=[0], size=[1], heap=[""], time_ns=[0]
    ).write(path)
    with TraceFile(path) as file:
        (part,) = file.parts(10)
    assert part.chain.tolist() == [NO_CODE]


def test_a_file_without_rows_has_no_parts(tmp_path):
    path = tmp_path / "t.parquet"
    whole().write(path)
    rewritten(path, lambda table: table.slice(0, 0))
    with TraceFile(path) as file:
        assert len(file) == 0
        assert list(file.parts(10)) == []


def test_a_fingerprint_follows_the_content_not_the_name(path, tmp_path):
    other = tmp_path / "other.parquet"
    other.write_bytes(path.read_bytes())
    with TraceFile(path) as one, TraceFile(other) as same:
        assert one.fingerprint() == same.fingerprint()
    whole(size=np.arange(N) + 2).write(other)
    with TraceFile(path) as one, TraceFile(other) as another:
        assert one.fingerprint() != another.fingerprint()


# --- Bad files ---------------------------------------------------------------


def test_a_missing_file_is_not_a_format_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        TraceFile(tmp_path / "no.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a trace\n" * 50, b"\0" * 4096])
def test_a_foreign_file_is_refused_by_its_path(tmp_path, content):
    path = tmp_path / "foreign.parquet"
    path.write_bytes(content)
    with pytest.raises(hk.FormatError, match=r"foreign\.parquet: no readable Parquet"):
        TraceFile(path)


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(OSError, match=r".") as refused:
        TraceFile(tmp_path)
    assert not isinstance(refused.value, hk.FormatError)


def test_a_file_cut_anywhere_is_refused(path):
    content = path.read_bytes()
    for end in range(0, len(content), 97):
        path.write_bytes(content[:end])
        with pytest.raises(hk.FormatError), TraceFile(path) as file:
            list(file.parts(10))


def test_a_damaged_page_of_a_later_row_group_is_refused_when_it_is_read(path):
    content = bytearray(path.read_bytes())
    with TraceFile(path) as file:
        group = file._file.metadata.row_group(5).column(2)
    hk.Trace.read(path).write(path)  # with checksums
    content = bytearray(path.read_bytes())
    group = pq.ParquetFile(path).metadata.row_group(0).column(2)
    content[group.data_page_offset + group.total_compressed_size - 3] ^= 0xFF
    path.write_bytes(content)
    with TraceFile(path) as file, pytest.raises(hk.FormatError, match="no readable"):
        list(file.parts(10))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns("size"), "no column 'size'"),
        (lambda t: t.append_column("x", t.column("op")), "column 'x'; allowed"),
        (
            lambda t: t.set_column(2, "size", pa.array(np.zeros(N, np.int32))),
            "'size' is int32; allowed: uint64",
        ),
        (
            lambda t: t.replace_schema_metadata({}),
            r"schema ''; allowed: 'heapkit\.trace'",
        ),
        (
            lambda t: t.replace_schema_metadata(
                {**t.schema.metadata, b"heapkit.heaps": b'["a", "a"]'}
            ),
            "each once",
        ),
        (
            lambda t: t.replace_schema_metadata(
                {**t.schema.metadata, b"heapkit.heaps": b'["a||b"]'}
            ),
            r"heaps\[0\]",
        ),
    ],
)
def test_a_file_of_another_form_is_refused_at_once(path, change, message):
    rewritten(path, change)
    with pytest.raises(hk.FormatError, match=message):
        TraceFile(path)


def test_a_null_is_refused_with_its_row(path):
    sizes = [None if i == 70 else i + 1 for i in range(N)]
    rewritten(path, lambda t: t.set_column(2, "size", pa.array(sizes, pa.uint64())))
    with TraceFile(path) as file, pytest.raises(hk.FormatError, match=r"size\[70\]"):
        list(file.parts(33))


def test_a_name_that_the_file_does_not_announce_is_refused(path):
    names = pa.array(["x"] * N).dictionary_encode()
    rewritten(path, lambda t: t.set_column(3, "heap", names))
    with TraceFile(path) as file, pytest.raises(hk.FormatError, match=r"names \['x'\]"):
        list(file.parts(33))
