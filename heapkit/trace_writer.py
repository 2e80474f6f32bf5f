# SPDX-License-Identifier: MIT
"""A long trace written part by part: its length costs no memory."""

from __future__ import annotations

import errno
import json
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
from heapkit.arguments import integer, wrong
from heapkit.errors import refusal
from heapkit.reserved_file import ReservedFile
from heapkit.trace_names import TraceNames
from heapkit.trace_parts import TracePart
from heapkit.units import MiB

# Rows of a row group: few enough to be gathered in memory, enough to compress.
ROW_GROUP = 1 << 18
# The widest row has 42 bytes: five numbers and, before they are packed, their codes.
_ROW_BYTES = 48
# The footer has a few hundred bytes a column and row group; names come on top.
_FOOTER_BYTES = 1 * MiB


class TraceWriter:
    """Writes a trace to a Parquet file, part by part; a context manager.

    The file appears under its name when the block ends; if it ends with an
    exception, nothing is left. ``heaps`` are the names or chains that the events
    may ask, ``devices`` their devices, ``processes`` who they are done by, ``meta``
    what JSON can hold. Memory holds some ``row_group`` events and the ids of the
    buffers that are not freed.

    A ``growing`` trace is one that is being recorded. It has a column of processes;
    :meth:`add_heap` and :meth:`add_process` name others as they come, and
    :meth:`describe` says more of it up to the end. An event that no trace may hold
    is refused, those before it stay, and the writer goes on. ``reserve_bytes`` are
    kept for a disk that becomes full (by default what a row group and the footer may
    take): then :attr:`full` is set, and :meth:`close` still leaves a whole file.

    ``OSError`` where the directory cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        heaps: Sequence[str] = (),
        devices: Sequence[str] = (),
        processes: Sequence[str] = (),
        meta: Mapping[str, object] | None = None,
        growing: bool = False,
        reserve_bytes: int | None = None,
        row_group: int | None = None,
    ) -> None:
        self._names = TraceNames(heaps=heaps, devices=devices, processes=processes)
        self._growing = growing
        rows = ROW_GROUP if row_group is None else row_group
        self._row_group = integer(
            "TraceWriter", "row_group", rows, low=1, high=ROW_GROUP
        )
        self._target = Path(path)
        self._partial = self._target.with_name(
            f".{self._target.name}.{os.getpid()}.partial"
        )
        self._meta = trace.json_text(meta)
        self._intake = _ffi.Intake()
        self._last_ns = 0
        self._waiting: list[dict[str, NDArray[Any]]] = []
        self._rows = 0
        self._full = False
        self._out = ReservedFile(self._partial, reserve_bytes=self._room(reserve_bytes))
        try:
            self._file: Any = self._open()
        except BaseException:
            self._out.close()
            self._partial.unlink(missing_ok=True)
            raise

    def _room(self, reserve_bytes: int | None) -> int:
        if reserve_bytes is not None:
            return integer("TraceWriter", "reserve_bytes", reserve_bytes)
        return self._row_group * _ROW_BYTES + _FOOTER_BYTES if self._growing else 0

    def _open(self) -> Any:
        import pyarrow as pa
        import pyarrow.parquet as pq

        name = pa.dictionary(pa.int32(), pa.string())
        types = {"dictionary": name, "uint8": pa.uint8()}
        types |= {"uint64": pa.uint64(), "int64": pa.int64()}
        # What grows is added to the footer, which is written last.
        metadata = None if self._growing else self._metadata()
        self._schema = pa.schema(
            [
                (column, types[kind])
                for column, kind, _ in trace_schema.COLUMNS
                if self._has(column)
            ],
            metadata=metadata,
        )
        return pq.ParquetWriter(self._out, self._schema, **trace_schema.WRITING)

    def _metadata(self) -> dict[str, str]:
        return trace_schema.metadata(
            self._names["heap"],
            self._names["device"],
            json.loads(self._meta),
            processes=self._names["process"] if self._has("process") else None,
        )

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

    @property
    def full(self) -> bool:
        """Whether the disk is, so that nothing but :meth:`close` is left to do."""
        return self._full or self._out.full

    @property
    def heaps(self) -> tuple[str, ...]:
        """The names or chains so far: what the codes of ``heap`` stand for."""
        return self._names["heap"]

    @property
    def processes(self) -> tuple[str, ...]:
        """The processes so far: what the codes of ``process`` stand for."""
        return self._names["process"]

    def add_heap(self, name: str) -> int:
        """The code of a heap or chain of a growing trace, new or not.

        ``ValueError`` for what is no chain, and for more names than there are codes.
        """
        self._must_grow("heaps", name)
        return self._names.add("heap", name)

    def add_process(self, name: str) -> int:
        """The code of a process of a growing trace, as :meth:`add_heap`."""
        self._must_grow("processes", name)
        return self._names.add("process", name)

    def describe(self, **meta: object) -> None:
        """Set entries of a growing trace's ``meta``."""
        self._must_grow("meta", meta)
        self._meta = trace.json_text(json.loads(self._meta) | meta)

    def _must_grow(self, argument: str, value: object) -> None:
        if not self._growing:
            raise wrong("TraceWriter", argument, value, "none with growing=False")

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
        before; the file is given up then, unless it is growing. ``OSError`` ENOSPC
        where the writer is :attr:`full`.
        """
        if self._file is None:
            raise ValueError("TraceWriter: it is closed; allowed: an open one")
        if self.full:
            raise refusal(errno.ENOSPC, f"{self._target}")
        try:
            given: dict[str, Any] = {"buffer": buffer, "size": size, "time_ns": time_ns}
            given |= {"offset": offset, "device": device, "access": access}
            given["process"] = process
            part = self._part(op, heap, given)
            self._check(part)
        except ValueError:
            if not self._growing:
                self.discard()
            raise

    def _keep(self, part: TracePart, rows: int) -> None:
        self._waiting.append(
            {
                # A growing trace is given by programs that go on using their arrays.
                name: column[:rows].copy() if self._growing else column[:rows]
                for name in _COLUMN_OF
                if self._has(name) and (column := getattr(part, name)) is not None
            }
        )
        self._rows += rows
        if rows:
            self._last_ns = int(part.time_ns[rows - 1])
        if self._rows >= self._row_group:
            self._flush()

    def _has(self, name: str) -> bool:
        if name == "process":
            return self._growing or bool(self._names["process"])
        return name != "device" or bool(self._names["device"])

    def _part(self, op: ArrayLike, heap: object, given: dict[str, Any]) -> TracePart:
        ops = trace_ops.codes(op)
        n = len(ops)
        chain, _ = columns.coded("heap", heap, self._names["heap"], ops == Op.ALLOC)
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
            heaps=self._names["heap"],
            access=accesses,
            **who,
            **{"offset": np.zeros(n, np.uint64)} | numbers,
        )

    def _who(
        self, ops: NDArray[np.uint8], device: object, process: object
    ) -> dict[str, Any]:
        if self._has("process") and process is None:
            # To charge the first of them would be wrong without a word.
            allowed = f"for a trace with processes some of {self.processes}"
            raise ValueError(f"process: None; allowed: {allowed}")
        return {
            "device": np.zeros(len(ops), np.uint16),
            "devices": self._names["device"],
            "processes": self._names["process"],
        } | trace_ops.who(
            ops, (device, self._names["device"]), (process, self._names["process"])
        )

    def _check(self, part: TracePart) -> None:
        before, last = self._intake.events, self._last_ns
        found = self._intake.take(_ffi.CTrace(part), part.buffer)
        if found is None:
            self._keep(part, len(part))
            return
        row = found.event - before
        self._keep(part, row)
        last = int(part.time_ns[row - 1]) if row else last
        raise trace.broken_rule(part, row, found.rule, before=last)

    def _flush(self) -> None:
        import pyarrow as pa

        if not self._rows:
            return
        arrays = []
        for field in self._schema:
            name = _NAME_OF.get(field.name, field.name)
            column = np.concatenate([part[name] for part in self._waiting])
            names = self._names.tables.get(field.name)
            arrays.append(
                pa.array(column)
                if names is None
                else trace_schema.dictionary(column, names)
            )
        self._waiting, self._rows = [], 0
        table = pa.Table.from_arrays(arrays, schema=self._schema)
        self._file.write_table(table, row_group_size=self._row_group)

    def close(self) -> None:
        """Write what is left and give the file its name; again does nothing."""
        if self._file is None:
            return
        try:
            self._flush()
            if self._growing:
                self._file.add_key_value_metadata(self._metadata())
            self._file.close()
            self._end()
            self._partial.replace(self._target)
        finally:
            self._end()
            self._partial.unlink(missing_ok=True)

    def _end(self) -> None:
        self._file = None
        self._waiting = []
        self._full = self.full
        self._out.close()

    def discard(self) -> None:
        """Leave nothing behind; after :meth:`close` it does nothing."""
        if self._file is None:
            return
        try:
            self._file.close()
        finally:
            self._end()
            self._partial.unlink(missing_ok=True)


# The columns of a part that are called otherwise in a file.
_NAME_OF = {"heap": "chain"}
_COLUMN_OF = tuple(_NAME_OF.get(name, name) for name, _, _ in trace_schema.COLUMNS)
