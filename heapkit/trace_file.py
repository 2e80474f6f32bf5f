# SPDX-License-Identifier: MIT
"""Traces as Parquet files, written and read whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from heapkit import trace_schema as schema
from heapkit.errors import FormatError
from heapkit.trace import Trace
from heapkit.trace_columns import TABLE_OF


def write(trace: Trace, path: str | os.PathLike[str]) -> None:
    """Write ``trace`` beside ``path`` and rename it, so that none sees a half.

    ``OSError`` where the directory cannot be written.
    """
    import pyarrow.parquet as pq

    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        pq.write_table(_table(trace), partial, **schema.WRITING)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def _table(trace: Trace) -> Any:
    import pyarrow as pa

    arrays: dict[str, Any] = {
        "op": pa.array(trace.op),
        "buffer": pa.array(trace.buffer.astype(np.uint64, copy=False)),
        "size": pa.array(trace.size),
        "heap": schema.dictionary(trace.chain, trace.heaps),
        "time_ns": pa.array(trace.time_ns),
    }
    if trace.device is not None:
        arrays["device"] = schema.dictionary(trace.device, trace.devices)
    for name in ("access", "offset"):
        if (column := getattr(trace, name)) is not None:
            arrays[name] = pa.array(column)
    processes = None
    if trace.process is not None:
        processes = trace.processes
        arrays["process"] = schema.dictionary(trace.process, processes)
    metadata = schema.metadata(
        trace.heaps, trace.devices, trace.meta, processes=processes
    )
    return pa.table(arrays).replace_schema_metadata(metadata)


def read(path: str | os.PathLike[str]) -> Trace:
    """The trace in ``path``.

    ``FormatError``: no Parquet file or a damaged one, another schema or version,
    a missing, foreign or mistyped column, a null, an event that no trace may hold.
    """
    content = Path(path).read_bytes()
    table = _parquet(content, path)
    metadata = schema.check_schema(table.schema, path)
    given: dict[str, Any] = {}
    for column, arrow_type, _ in schema.COLUMNS:
        if column not in table.column_names:
            continue
        cells = table.column(column).combine_chunks()
        if cells.null_count:
            message = f"column {column!r} has {cells.null_count} nulls; allowed: none"
            raise FormatError(message, path=path)
        if arrow_type != "dictionary":
            given[column] = cells.to_numpy()
            continue
        plural = TABLE_OF[column]
        names = schema.json_value(metadata, f"heapkit.{plural}", list, path)
        given[plural] = names
        given[column] = schema.codes(cells, names, column, path)
    meta = schema.json_value(metadata, "heapkit.meta", dict, path)
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
        raise schema.unreadable(error, path) from None
