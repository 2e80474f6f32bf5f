# SPDX-License-Identifier: MIT
"""What a Parquet file has to be to hold a trace: a schema with a version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit.errors import FormatError

SCHEMA = "heapkit.trace"
VERSION = 1

# Column, its Arrow type, and whether every file has it.
COLUMNS = (
    ("op", "uint8", True),
    ("buffer", "uint64", True),
    ("size", "uint64", True),
    ("heap", "dictionary", True),
    ("time_ns", "int64", True),
    ("device", "dictionary", False),
    ("access", "uint8", False),
    ("offset", "uint64", False),
    ("process", "dictionary", False),
)
# For pyarrow.parquet: the same trace gives the same bytes.
WRITING: dict[str, Any] = {
    "compression": "zstd",
    "write_page_checksum": True,
    "use_dictionary": ["op", "heap", "device", "access", "process"],
    "column_encoding": dict.fromkeys(
        ("buffer", "size", "time_ns"), "DELTA_BINARY_PACKED"
    ),
}


def metadata(
    heaps: Sequence[str],
    devices: Sequence[str],
    meta: dict[str, Any],
    *,
    processes: Sequence[str] | None = None,
) -> dict[str, str]:
    """The schema's metadata of a trace; ``processes`` where it has the column."""
    found = {
        "heapkit.schema": SCHEMA,
        "heapkit.version": str(VERSION),
        "heapkit.heaps": json.dumps(heaps),
        "heapkit.devices": json.dumps(devices),
        "heapkit.meta": json.dumps(meta, sort_keys=True),
    }
    if processes is not None:
        found["heapkit.processes"] = json.dumps(processes)
    return found


def dictionary(codes: NDArray[np.uint16], names: Sequence[str]) -> Any:
    """A column of names."""
    import pyarrow as pa

    # A trace that allocates nothing has no chain; its cells still hold a code.
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), list(names) or [""])


def unreadable(error: BaseException, path: object) -> FormatError:
    """The error for what pyarrow could not read."""
    line = str(error).splitlines()[0] if str(error) else type(error).__name__
    return FormatError(f"no readable Parquet file: {line}", path=path)


def check_schema(schema: Any, path: object) -> dict[str, bytes]:
    """The metadata of an Arrow schema, which has the columns of a trace."""
    found = {
        key.decode(errors="replace"): value
        for key, value in (schema.metadata or {}).items()
    }
    _check_version(found, path)
    _check_columns(schema, path)
    return found


def _check_version(metadata: dict[str, bytes], path: object) -> None:
    schema = metadata.get("heapkit.schema", b"").decode(errors="replace")
    if schema != SCHEMA:
        message = f"schema {schema!r}; allowed: {SCHEMA!r}"
        raise FormatError(message, path=path)
    version = metadata.get("heapkit.version", b"").decode(errors="replace")
    if version != str(VERSION):
        message = f"version {version!r} of {SCHEMA}; allowed: {VERSION}"
        raise FormatError(message, path=path)


def _check_columns(schema: Any, path: object) -> None:
    known = {column for column, _, _ in COLUMNS}
    for name in schema.names:
        if name not in known or schema.names.count(name) > 1:
            message = f"column {name!r}; allowed: each once of {sorted(known)}"
            raise FormatError(message, path=path)
    for column, arrow_type, required in COLUMNS:
        if column not in schema.names:
            if required:
                raise FormatError(f"no column {column!r}", path=path)
            continue
        found = str(schema.field(column).type)
        if found.partition("<")[0] != arrow_type:
            message = f"column {column!r} is {found}; allowed: {arrow_type}"
            raise FormatError(message, path=path)


def json_value(metadata: dict[str, bytes], key: str, kind: type, path: object) -> Any:
    """What the metadata holds under ``key``, which must be of that ``kind``."""
    try:
        value = json.loads(metadata.get(key, b""))
    except ValueError:
        value = None
    if not isinstance(value, kind):
        raise FormatError(f"metadata {key}; allowed: a JSON {kind.__name__}", path=path)
    return value


def codes(cells: Any, names: list[Any], column: str, path: object) -> NDArray[np.int64]:
    """Codes into ``names``: Parquet may have reordered the dictionary."""
    spelt = cells.dictionary.to_pylist()
    code_of = {str(name): code for code, name in enumerate(names)}
    if names and (strange := set(spelt) - set(code_of)):
        message = f"column {column!r} names {sorted(map(str, strange))}; allowed: "
        raise FormatError(message + f"{names}", path=path)
    place = np.array([code_of.get(name, 0) for name in spelt], np.int64)
    indices: NDArray[Any] = cells.indices.to_numpy()
    return place[indices] if len(place) else indices.astype(np.int64)
