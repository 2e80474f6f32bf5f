# SPDX-License-Identifier: MIT
"""What the programs of a run did, as a trace that is written while they run."""

from __future__ import annotations

from collections import Counter

from heapkit._ffi import READ_WRITE, Op
from heapkit.trace_writer import TraceWriter

BATCH = 256  # events that are handed to the writer at once


class Recording:
    """Counts events by op, and writes them to a trace if there is a writer for it."""

    def __init__(self, writer: TraceWriter | None) -> None:
        self._writer = writer
        self._processes: dict[str, int] = {}
        self._rows: list[tuple[int, int, int, str, int, int, int]] = []
        self._heap = ""
        self.counts: Counter[str] = Counter()
        self._error: OSError | None = None

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
        if process not in self._processes:
            self._processes[process] = self._writer.add_process(process)  # type: ignore[attr-defined]
        return self._processes[process]

    def flush(self) -> None:
        """Hand over what waits. What a full disk does not take is counted, not kept."""
        rows, self._rows = self._rows, []
        if not rows or self._writer is None:
            return
        op, buffer, size, heap, time_ns, access, process = map(
            list, zip(*rows, strict=True)
        )
        try:
            self._writer.append(
                op=op,
                buffer=buffer,
                size=size,
                heap=heap,
                time_ns=time_ns,
                access=access,
                process=process,
            )
        except OSError as error:
            self._error = error
            self._writer = None

    @property
    def problem(self) -> str | None:
        """Why the trace is not whole, in one line; None if it is."""
        if self._error is None:
            return None
        return f"the trace could not be written: {self._error}"

    def close(self) -> None:
        """Give the trace its name; what was written until then is readable."""
        self.flush()
        if self._writer is not None:
            self._writer.close()
