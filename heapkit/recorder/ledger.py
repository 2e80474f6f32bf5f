# SPDX-License-Identifier: MIT
"""Which buffers are held, and the rows of the trace that follow from it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from heapkit._ffi import Op
from heapkit.holdings import UNKNOWN
from heapkit.recorder import identity
from heapkit.trace_columns import MAX_CODES
from heapkit.trace_writer import TraceWriter

# So that a machine that starts programs all day does not run out of codes.
_MAX_PROCESSES = MAX_CODES // 2
_MOST_ROWS = 4096  # that wait for the writer, so that a burst costs no memory
# A trace joins heaps with "|" and takes no "/".
_NO_NAME = re.compile(r"[|/\0\n]")


@dataclass(frozen=True, slots=True)
class _Held:
    size: int
    heap: str
    process: int


class Ledger:
    """Takes what happened and writes it in the order of time.

    Times are nanoseconds from ``origin_ns`` on; what is told late gets the time of
    the event before it, and is counted in ``late``. ``held_bytes`` is by heap.
    A FREE is done by who allocated: of the process that dropped the last reference
    no source tells.
    """

    def __init__(self, out: TraceWriter, *, origin_ns: int) -> None:
        self._out = out
        self._origin_ns, self._last_ns = origin_ns, 0
        self._held: dict[int, _Held] = {}
        self._processes: dict[str, int] = {}
        self._rows: list[tuple[int, int, int, int, int, int]] = []
        self.held_bytes: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()

    def __contains__(self, buffer: int) -> bool:
        return buffer in self._held

    def __len__(self) -> int:
        """The buffers that are held."""
        return len(self._held)

    def allocate(
        self, buffer: int, size: int, *, heap: str, process: str, time_ns: int
    ) -> None:
        """A buffer that is there from now on.

        One of that id that was not freed must have been: its end was not told.
        """
        if buffer in self._held:
            self.counts["implied_frees"] += 1
            self.free(buffer, time_ns=time_ns)
        held = _Held(size, heap, self._process(process))
        self._held[buffer] = held
        self.held_bytes[heap] += size
        self._row(Op.ALLOC, buffer, held, time_ns)

    def free(self, buffer: int, *, time_ns: int) -> bool:
        """The end of a buffer; whether it was held."""
        held = self._held.pop(buffer, None)
        if held is None:
            return False
        self.held_bytes[held.heap] -= held.size
        self._row(Op.FREE, buffer, held, time_ns)
        return True

    def refuse(
        self, size: int, *, heap: str, process: str, errno: int, time_ns: int
    ) -> None:
        """A request that the kernel refused: asked for, and let go at once.

        So that a replay that grants it does not hold it for ever.
        """
        buffer = identity.of_refusal(errno, self.counts["refused"])
        self.counts["refused"] += 1
        held = _Held(size, heap, self._process(process))
        self._row(Op.ALLOC, buffer, held, time_ns)
        self._row(Op.FREE, buffer, held, time_ns)

    def free_all(self, *, time_ns: int) -> None:
        """The end of every buffer: what comes after is another beginning."""
        for buffer in list(self._held):
            self.free(buffer, time_ns=time_ns)

    def write(self) -> None:
        """Give the rows so far to the writer; they are dropped where it is full."""
        if not self._rows or self._out.full:
            self._rows.clear()
            return
        op, buffer, size, heap, time_ns, process = zip(*self._rows, strict=True)
        self._rows.clear()
        self._out.append(
            op=op,
            buffer=buffer,
            size=size,
            heap=heap,
            time_ns=time_ns,
            process=process,
        )

    def _row(self, op: Op, buffer: int, held: _Held, time_ns: int) -> None:
        time_ns -= self._origin_ns
        if time_ns < self._last_ns:
            self.counts["late"] += 1
            time_ns = self._last_ns
        self._last_ns = time_ns
        size = held.size if op == Op.ALLOC else 0
        heap = self._out.add_heap(held.heap)
        self._rows.append((op, buffer, size, heap, time_ns, held.process))
        if len(self._rows) >= _MOST_ROWS:
            self.write()

    def move(self, out: TraceWriter) -> None:
        """Go on in another writer, which has the same rows and names so far."""
        self._out = out

    def _process(self, name: str) -> int:
        code = self._processes.get(name)
        if code is None:
            full = len(self._processes) >= _MAX_PROCESSES
            name = UNKNOWN if full else name
            code = self._processes[name] = self._out.add_process(name)
        return code


def heap_name(said: str) -> str:
    """What the kernel calls an exporter or an area, as a heap of a trace."""
    return _NO_NAME.sub("_", said) or UNKNOWN
