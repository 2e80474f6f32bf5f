# SPDX-License-Identifier: MIT
"""A long trace written part by part: its length costs no memory."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit import _ffi, trace, trace_ops, trace_schema
from heapkit import trace_columns as columns
from heapkit._ffi import READ_WRITE, Op
from heapkit.trace_parts import TracePart

# Rows of a row group: few enough to be gathered in memory, enough to compress.
ROW_GROUP = 1 << 18


class TraceWriter:
    """Writes a trace to a Parquet file, part by part; a context manager.

    The file appears under its name when the block ends; if it ends with an
    exception, nothing is left. ``heaps`` are the names or chains that the events
    may ask, ``devices`` their devices, ``processes`` who they are done by, ``meta``
    what JSON can hold. Memory holds
    some :data:`ROW_GROUP` events and the ids of the buffers that are not freed.

    ``OSError`` where the directory cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        heaps: Sequence[str],
        devices: Sequence[str] = (),
        processes: Sequence[str] = (),
        meta: Mapping[str, object] | None = None,
    ) -> None:
        self._heaps = columns.table_of("heap", heaps)
        columns.chains(self._heaps)
        self._devices = columns.table_of("device", devices)
        self._processes = columns.table_of("process", processes)
        self._target = Path(path)
        self._partial = self._target.with_name(
            f".{self._target.name}.{os.getpid()}.partial"
        )
        self._names = {
            "heap": self._heaps,
            "device": self._devices,
            "process": self._processes,
        }
        self._meta = trace.json_text(meta)
        self._intake = _ffi.Intake()
        self._last_ns = 0
        self._waiting: list[dict[str, NDArray[Any]]] = []
        self._rows = 0
        self._file: Any = self._open()

    def _open(self) -> Any:
        import json

        import pyarrow as pa
        import pyarrow.parquet as pq

        name = pa.dictionary(pa.int32(), pa.string())
        types = {"dictionary": name, "uint8": pa.uint8()}
        types |= {"uint64": pa.uint64(), "int64": pa.int64()}
        metadata = trace_schema.metadata(
            self._heaps,
            self._devices,
            json.loads(self._meta),
            processes=self._processes or None,
        )
        self._schema = pa.schema(
            [
                (column, types[kind])
                for column, kind, _ in trace_schema.COLUMNS
                if self._has(column)
            ],
            metadata=metadata,
        )
        return pq.ParquetWriter(self._partial, self._schema, **trace_schema.WRITING)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __len__(self) -> int:
        """The events appended so far."""
        return self._intake.events

    def append(
        self,
        *,
        op: ArrayLike,
        buffer: ArrayLike,
        size: ArrayLike,
        heap: object,
        time_ns: ArrayLike,
        device: object = None,
        access: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        process: object = None,
    ) -> None:
        """The next events: columns as :meth:`heapkit.Trace.from_columns` takes them.

        ``heap``, ``device`` and ``process`` are names, or codes into the writer's
        ``heaps``, ``devices`` and ``processes``. ``ValueError`` names column, index
        in these columns and value, for what no trace may hold after the events
        before; the file is given up then.
        """
        if self._file is None:
            raise ValueError("TraceWriter: it is closed; allowed: an open one")
        try:
            given: dict[str, Any] = {"buffer": buffer, "size": size, "time_ns": time_ns}
            given |= {"offset": offset, "device": device, "access": access}
            given["process"] = process
            part = self._part(op, heap, given)
            self._check(part)
        except ValueError:
            self.discard()
            raise
        self._waiting.append(
            {name: getattr(part, name) for name in _COLUMN_OF if self._has(name)}
        )
        self._rows += len(part)
        if self._rows >= ROW_GROUP:
            self._flush()

    def _has(self, name: str) -> bool:
        return name not in ("device", "process") or bool(self._names[name])

    def _part(self, op: ArrayLike, heap: object, given: dict[str, Any]) -> TracePart:
        ops = trace_ops.codes(op)
        n = len(ops)
        chain, _ = columns.coded("heap", heap, self._heaps, ops == Op.ALLOC)
        who = self._who(ops, given.pop("device"), given.pop("process"))
        accesses = np.full(n, READ_WRITE, np.uint8)
        if (access := given.pop("access")) is not None:
            accesses = trace_ops.accesses(ops, access)
        numbers = columns.numbers(n, **given)
        numbers["buffer"] = numbers["buffer"].astype(np.uint64, copy=False)
        return TracePart(
            0,
            op=ops,
            chain=chain,
            heaps=self._heaps,
            access=accesses,
            **who,
            **{"offset": np.zeros(n, np.uint64)} | numbers,
        )

    def _who(
        self, ops: NDArray[np.uint8], device: object, process: object
    ) -> dict[str, Any]:
        if self._processes and process is None:
            # To charge the first of them would be wrong without a word.
            allowed = f"for a trace with processes some of {self._processes}"
            raise ValueError(f"process: None; allowed: {allowed}")
        return {
            "device": np.zeros(len(ops), np.uint16),
            "devices": self._devices,
            "processes": self._processes,
        } | trace_ops.who(ops, (device, self._devices), (process, self._processes))

    def _check(self, part: TracePart) -> None:
        before = self._intake.events
        found = self._intake.take(_ffi.CTrace(part), part.buffer)
        if found is not None:
            row = found.event - before
            last = int(part.time_ns[row - 1]) if row else self._last_ns
            raise trace.broken_rule(part, row, found.rule, before=last)
        if len(part):
            self._last_ns = int(part.time_ns[-1])

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        arrays = []
        for field in self._schema:
            name = _NAME_OF.get(field.name, field.name)
            column = np.concatenate([part[name] for part in self._waiting])
            names = self._names.get(field.name)
            arrays.append(
                pa.array(column)
                if names is None
                else trace_schema.dictionary(column, names)
            )
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._file.write_table(table, row_group_size=ROW_GROUP)
        self._waiting, self._rows = [], 0

    def close(self) -> None:
        """Write what is left and give the file its name; again does nothing."""
        if self._file is None:
            return
        try:
            self._flush()
            self._file.close()
            self._partial.replace(self._target)
        finally:
            self._file = None
            self._partial.unlink(missing_ok=True)

    def discard(self) -> None:
        """Leave nothing behind; after :meth:`close` it does nothing."""
        if self._file is None:
            return
        try:
            self._file.close()
        finally:
            self._file = None
            self._waiting = []
            self._partial.unlink(missing_ok=True)


# The columns of a part that are called otherwise in a file.
_NAME_OF = {"heap": "chain"}
_COLUMN_OF = tuple(_NAME_OF.get(name, name) for name, _, _ in trace_schema.COLUMNS)
