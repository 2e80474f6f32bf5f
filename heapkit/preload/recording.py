# SPDX-License-Identifier: MIT
"""What the programs of a run did, as a trace that is written while they run."""

from __future__ import annotations

from collections import Counter

from heapkit._ffi import READ_WRITE, Op
from heapkit.trace_writer import TraceWriter

BATCH = 256  # events that are handed to the writer at once
# Rows of a row group: some 3 MB of a disk are kept free for the last of them.
ROW_GROUP = 1 << 16
# A trace has 16 bits for who does an event; what comes later shares a name.
MOST_PROCESSES = (1 << 16) - 2
OTHERS = "others"


class Recording:
    """Counts events by op, and writes them to a trace if there is a writer for it."""

    def __init__(self, writer: TraceWriter | None) -> None:
        self._writer = writer
        self._processes: dict[str, int] = {}
        self._rows: list[tuple[int, int, int, str, int, int, int]] = []
        self._heap = ""
        self.counts: Counter[str] = Counter()
        self._lost = 0

    def add(
        self,
        op: Op,
        buffer: int,
        *,
        process: str,
        time_ns: int,
        size: int = 0,
        heap: str = "",
        access: int = READ_WRITE,
    ) -> None:
        """The next event."""
        self.counts[op.name] += 1
        if self._writer is None:
            return
        self._heap = heap or self._heap
        code = self._code(process)
        row = (int(op), buffer, size, self._heap, time_ns, access, code)
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self.flush()

    def _code(self, process: str) -> int:
        assert self._writer is not None
        known = self._processes
        if process not in known and len(known) >= MOST_PROCESSES:
            process = OTHERS
        if process not in known:
            known[process] = self._writer.add_process(process)
        return known[process]

    def flush(self) -> None:
        """Hand over what waits. What a full disk does not take is counted, not kept."""
        rows, self._rows = self._rows, []
        if not rows or self._writer is None:
            return
        if self._writer.full:
            self._lost += len(rows)
            return
        op, buffer, size, heap, time_ns, access, process = map(
            list, zip(*rows, strict=True)
        )
        self._writer.append(
            op=op,
            buffer=buffer,
            size=size,
            heap=heap,
            time_ns=time_ns,
            access=access,
            process=process,
        )

    @property
    def problem(self) -> str | None:
        """Why the trace is not whole, in one line; None if it is."""
        if not self._lost:
            return None
        return f"the disk is full: {self._lost} events are not in the trace"

    def close(self, **meta: object) -> None:
        """Give the trace its name, and ``meta``: it is readable, whatever happened."""
        self.flush()
        if self._writer is not None:
            self._writer.describe(**meta)
            self._writer.close()
