# SPDX-License-Identifier: MIT
"""Traces as Parquet files: a schema with a version, checked when read."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit.errors import FormatError
from heapkit.trace import Trace

SCHEMA = "heapkit.trace"
VERSION = 1

# Column, its Arrow type, and whether every file has it.
_COLUMNS = (
    ("op", "uint8", True),
    ("buffer", "uint64", True),
    ("size", "uint64", True),
    ("heap", "dictionary", True),
    ("time_ns", "int64", True),
    ("device", "dictionary", False),
    ("access", "uint8", False),
    ("offset", "uint64", False),
)


def write(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write ``trace`` beside ``path`` and rename it, so that none sees a half.

    ``OSError`` where the directory cannot be written.
    """
    import pyarrow.parquet as pq

    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        pq.write_table(
            _table(trace),
            partial,
            compression="zstd",
            write_page_checksum=True,
            use_dictionary=["op", "heap", "device", "access"],
            column_encoding=dict.fromkeys(
                ("buffer", "size", "time_ns"), "DELTA_BINARY_PACKED"
            ),
        )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _table(trace: Trace) -> Any:
    import pyarrow as pa

    arrays: dict[str, Any] = {
        "op": pa.array(trace.op),
        "buffer": pa.array(trace.buffer.astype(np.uint64, copy=False)),
        "size": pa.array(trace.size),
        "heap": _dictionary(trace.chain, trace.heaps),
        "time_ns": pa.array(trace.time_ns),
    }
    if trace.device is not None:
        arrays["device"] = _dictionary(trace.device, trace.devices)
    for name in ("access", "offset"):
        if (column := getattr(trace, name)) is not None:
            arrays[name] = pa.array(column)
    metadata = {
        "heapkit.schema": SCHEMA,
        "heapkit.version": str(VERSION),
        "heapkit.heaps": json.dumps(trace.heaps),
        "heapkit.devices": json.dumps(trace.devices),
        "heapkit.meta": json.dumps(trace.meta, sort_keys=True),
    }
    return pa.table(arrays).replace_schema_metadata(metadata)


def _dictionary(codes: NDArray[np.uint16], names: Sequence[str]) -> Any:
    import pyarrow as pa

    # A trace that allocates nothing has no chain; its cells still hold a code.
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), list(names) or [""])


def read(path: str | os.PathLike[str]) -> Trace:
    """The trace in ``path``.

    ``FormatError``: no Parquet file or a damaged one, another schema or version,
    a missing, foreign or mistyped column, a null, an event that no trace may hold.
    """
    content = Path(path).read_bytes()
    table = _parquet(content, path)
    metadata = {
        key.decode(errors="replace"): value
        for key, value in (table.schema.metadata or {}).items()
    }
    _check_version(metadata, path)
    _check_columns(table, path)
    given: dict[str, Any] = {}
    for column, arrow_type, _ in _COLUMNS:
        if column not in table.column_names:
            continue
        cells = table.column(column).combine_chunks()
        if arrow_type != "dictionary":
            given[column] = cells.to_numpy()
            continue
        names = _json(metadata, f"heapkit.{column}s", list, path)
        given[f"{column}s"] = names
        given[column] = _codes(cells, names, column, path)
    meta = _json(metadata, "heapkit.meta", dict, path)
    try:
        return Trace.from_columns(**given, meta=meta)
    except ValueError as error:
        raise FormatError(str(error), path=path) from None


def _parquet(content: bytes, path: object) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # pyarrow raises OSError for damaged pages and UnicodeDecodeError for names.
    try:
        source = pa.BufferReader(content)
        return pq.ParquetFile(source, page_checksum_verification=True).read()
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        line = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise FormatError(f"no readable Parquet file: {line}", path=path) from None


def _check_version(metadata: dict[str, bytes], path: object) -> None:
    schema = metadata.get("heapkit.schema", b"").decode(errors="replace")
    if schema != SCHEMA:
        message = f"schema {schema!r}; allowed: {SCHEMA!r}"
        raise FormatError(message, path=path)
    version = metadata.get("heapkit.version", b"").decode(errors="replace")
    if version != str(VERSION):
        message = f"version {version!r} of {SCHEMA}; allowed: {VERSION}"
        raise FormatError(message, path=path)


def _check_columns(table: Any, path: object) -> None:
    known = {column for column, _, _ in _COLUMNS}
    for name in table.column_names:
        if name not in known or table.column_names.count(name) > 1:
            message = f"column {name!r}; allowed: each once of {sorted(known)}"
            raise FormatError(message, path=path)
    for column, arrow_type, required in _COLUMNS:
        if column not in table.column_names:
            if required:
                raise FormatError(f"no column {column!r}", path=path)
            continue
        cells = table.column(column)
        found = str(cells.type)
        if found.partition("<")[0] != arrow_type:
            message = f"column {column!r} is {found}; allowed: {arrow_type}"
            raise FormatError(message, path=path)
        if cells.null_count:
            message = f"column {column!r} has {cells.null_count} nulls; allowed: none"
            raise FormatError(message, path=path)


def _json(metadata: dict[str, bytes], key: str, kind: type, path: object) -> Any:
    try:
        value = json.loads(metadata.get(key, b""))
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise FormatError(f"metadata {key}; allowed: a JSON {kind.__name__}", path=path)
    return value


def _codes(
    cells: Any, names: list[Any], column: str, path: object
) -> NDArray[np.int64]:
    """Codes into ``names``: Parquet may have reordered the dictionary."""
    spelt = cells.dictionary.to_pylist()
    codes = {str(name): code for code, name in enumerate(names)}
    if names and (strange := set(spelt) - set(codes)):
        message = f"column {column!r} names {sorted(map(str, strange))}; allowed: "
        raise FormatError(message + f"{names}", path=path)
    place = np.array([codes.get(name, 0) for name in spelt], np.int64)
    indices: NDArray[Any] = cells.indices.to_numpy()
    return place[indices] if len(place) else indices.astype(np.int64)
