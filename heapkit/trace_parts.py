# SPDX-License-Identifier: MIT
"""A trace in a Parquet file, read part by part: its length costs no memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from heapkit import trace_columns as columns
from heapkit import trace_ops
from heapkit import trace_schema as schema
from heapkit.errors import FormatError
from heapkit.units import MiB

NO_CODE = 0xFFFF  # a device or chain that no trace has
_MAGIC = 4  # bytes: "PAR1", after the footer's length in four more
_READ_AHEAD = 1 * MiB  # of each column, so that a large row group is not read whole


@dataclass(frozen=True, eq=False)
class TracePart:
    """Events ``first`` … of a trace, with the columns of :class:`heapkit.Trace`.

    Only their types are checked: :class:`heapkit._ffi.Intake` does the rest.
    ``buffer`` has the ids of the file.
    """

    first: int
    op: NDArray[np.uint8]
    buffer: NDArray[np.uint64]
    size: NDArray[np.uint64]
    chain: NDArray[np.uint16]
    time_ns: NDArray[np.int64]
    heaps: tuple[str, ...]
    devices: tuple[str, ...]
    device: NDArray[np.uint16] | None = None
    access: NDArray[np.uint8] | None = None
    offset: NDArray[np.uint64] | None = None
    process: NDArray[np.uint16] | None = None
    processes: tuple[str, ...] = ()
    dense_buffer: None = None
    n_buffers: int = 0

    def __len__(self) -> int:
        return len(self.op)


class TraceFile:
    """The trace in ``path``; a context manager.

    ``FormatError`` as :meth:`heapkit.Trace.read` raises it, for what the schema
    says at once, for damaged or missing cells when they are read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.path = os.fspath(path)
        self._source = pa.OSFile(self.path)
        try:
            self._file = pq.ParquetFile(
                self._source,
                page_checksum_verification=True,
                pre_buffer=False,
                buffer_size=_READ_AHEAD,
            )
            # The schema's own metadata lacks what was added at the end of writing.
            metadata = self._file.metadata.metadata
            arrow_schema = self._file.schema_arrow.with_metadata(metadata)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            self._source.close()
            raise schema.unreadable(error, path) from None
        try:
            self._read_names(arrow_schema)
        except FormatError:
            self.close()
            raise

    def _read_names(self, arrow_schema: Any) -> None:
        found = schema.check_schema(arrow_schema, self.path)
        self._columns = set(arrow_schema.names)
        self._names = {
            column: schema.json_value(found, f"heapkit.{table}", list, self.path)
            for column, table in columns.TABLE_OF.items()
            if column in self._columns
        }
        try:
            self.heaps = columns.table_of("heap", self._names["heap"])
            columns.chains(self.heaps)
            self.devices = columns.table_of("device", self._names.get("device", ()))
            names = self._names.get("process", ())
            self.processes = columns.table_of("process", names)
        except ValueError as error:
            raise FormatError(str(error), path=self.path) from None
        self.meta: dict[str, Any] = schema.json_value(
            found, "heapkit.meta", dict, self.path
        )

    def __len__(self) -> int:
        return int(self._file.metadata.num_rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back."""
        self._file.close(force=True)
        self._source.close()

    def fingerprint(self) -> str:
        """Another for another file: of its length and its footer.

        The footer has the place, the length and the extremes of every column of
        every row group; reading the whole file would take as long as its replay.
        """
        with open(self.path, "rb") as file:  # noqa: PTH123, as OSFile opened it
            size = file.seek(0, os.SEEK_END)
            file.seek(-_MAGIC - 4, os.SEEK_END)
            length = int.from_bytes(file.read(4), "little")
            file.seek(-_MAGIC - 4 - length, os.SEEK_END)
            footer = file.read()
        return hashlib.sha256(b"%d\n%b" % (size, footer)).hexdigest()

    def parts(self, rows: int, *, first: int = 0) -> Iterator[TracePart]:
        """All events from ``first`` on, at most ``rows`` at a time."""
        groups, at = self._groups(first)
        for batch in self._batches(rows, groups):
            skipped = min(max(0, first - at), batch.num_rows)
            if skipped < batch.num_rows:
                yield self._part(batch.slice(skipped), at + skipped)
            at += batch.num_rows

    def _groups(self, first: int) -> tuple[list[int], int]:
        """The row groups from the one with event ``first`` on, and its first event."""
        metadata = self._file.metadata
        at = 0
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            if first < at + rows:
                return list(range(group, metadata.num_row_groups)), at
            at += rows
        return [], at

    def _batches(self, rows: int, groups: list[int]) -> Iterator[Any]:
        import pyarrow as pa

        if not groups:
            return
        try:
            yield from self._file.iter_batches(batch_size=rows, row_groups=groups)
        except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
            raise schema.unreadable(error, self.path) from None

    def _part(self, batch: Any, first: int) -> TracePart:
        cells = {name: self._cells(batch, name, first) for name in self._columns}
        chain = self._coded(cells.pop("heap"), "heap")
        if (device := cells.pop("device", None)) is not None:
            device = self._coded(device, "device")
        if (process := cells.pop("process", None)) is not None:
            process = self._coded(process, "process")
        numbers = {name: column.to_numpy() for name, column in cells.items()}
        part = TracePart(
            first,
            chain=chain,
            device=device,
            heaps=self.heaps,
            devices=self.devices,
            process=process,
            processes=self.processes,
            **numbers,
        )
        try:
            trace_ops.check_process(part, first=first)
        except ValueError as error:
            raise FormatError(str(error), path=self.path) from None
        return part

    def _cells(self, batch: Any, name: str, first: int) -> Any:
        cells = batch.column(name)
        if cells.null_count:
            row = first + int(np.argmax(cells.is_null().to_numpy(zero_copy_only=False)))
            message = f"{name}[{row}] is null; allowed: no nulls"
            raise FormatError(message, path=self.path)
        return cells

    def _coded(self, cells: Any, name: str) -> NDArray[np.uint16]:
        names = self._names[name]
        if not names:
            return np.full(len(cells), NO_CODE, np.uint16)
        return schema.codes(cells, names, name, self.path).astype(np.uint16)
