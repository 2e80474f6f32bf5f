# SPDX-License-Identifier: MIT
"""One stretch of a recording, from a start to a stop: its sources and its file."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from heapkit.errors import BackendUnavailable, FormatError
from heapkit.introspection.source import ABSENT, AS_ROOT, DENIED, Source
from heapkit.recorder import trace_line, tracefs, tracepoints
from heapkit.recorder.assembly import Assembly
from heapkit.recorder.ledger import Ledger
from heapkit.recorder.polling import Area, Poll, Poller, areas
from heapkit.recorder.trace_line import TraceLine
from heapkit.trace_parts import TraceFile
from heapkit.trace_writer import TraceWriter

# Rows of a row group: what is lost of a file that nobody could end, and small enough
# for its room to be kept on a full disk (4 MiB).
ROW_GROUP = 1 << 16
AS_ROOT_RECORD = "sudo heapkit record"
_TRACEFS = "which task asked when, refused requests, places in CMA areas"


@dataclass
class Told:
    """What a recording has to say of itself, over all of its stretches."""

    lost: int = 0
    unparsed: int = 0
    first_unparsed: str = ""
    present: int = 0
    pauses: list[list[int]] = field(default_factory=list)


class Session:
    """Open sources and a growing trace in ``path``; :meth:`step` brings it up to date.

    ``ledger`` is that of the stretch before, whose trace is in ``path``; this one
    goes on after it. :class:`heapkit.BackendUnavailable` where no source can be
    read, ``FormatError`` where the kernel's text is malformed.
    """

    def __init__(
        self,
        path: Path,
        *,
        root: Path,
        pages_order: int | None,
        told: Told,
        origin_ns: int,
        ledger: Ledger | None = None,
        cma_heaps: Sequence[str] = (),
    ) -> None:
        self._cma_heaps = tuple(cma_heaps)
        self._root, self._told, self.origin_ns = root, told, origin_ns
        self._poller = Poller(root)
        self._instance, source = _instance(root, pages_order)
        self.sources = (source, *self._poller.sources)
        try:
            self._must_read()
            self._lost_before = told.lost
            self._lost_lines = 0
            self.areas = self._areas()
            self._out = TraceWriter(path, growing=True, row_group=ROW_GROUP)
            try:
                self.ledger = self._begin(path, ledger)
            except BaseException:
                self._out.discard()
                raise
        except BaseException:
            self._remove()
            raise

    def _must_read(self) -> None:
        if self._instance is None and not self._poller.name:
            raise BackendUnavailable(_nothing(self.sources))

    def _areas(self) -> dict[str, Area]:
        return areas(self._root)

    def _begin(self, path: Path, before: Ledger | None) -> Ledger:
        if before is None:
            ledger = Ledger(self._out, origin_ns=self.origin_ns)
        else:
            _copy(path, self._out)
            ledger = before
            ledger.move(self._out)
        tells = self._tells("cma/")
        self._assembly = Assembly(
            ledger,
            areas=self.areas if tells else (),
            holders=self._poller.holders,
            cma_heaps=self._cma_heaps if tells else (),
        )
        poll = self._poller.read()
        ledger.free_all(time_ns=poll.time_ns)
        self._told.present += self._assembly.begin(poll)
        ledger.write()
        return ledger

    def _tells(self, group: str) -> bool:
        events = self._instance.events if self._instance else ()
        return any(event.startswith(group) for event in events)

    @property
    def events(self) -> int:
        """The events in the trace so far."""
        return len(self._out)

    @property
    def full(self) -> bool:
        """Whether the disk has no room for more."""
        return self._out.full

    def step(self) -> None:
        """Read what came since the last step."""
        poll = self._poller.read()
        waits = True
        for line in self._lines():
            if waits and line.time_ns > poll.time_ns:
                self._assembly.poll(poll)
                waits = False
            self._take(line, poll)
        if waits:
            self._assembly.poll(poll)
        self.ledger.write()
        self.areas = self._areas()
        if self._instance is not None:
            # The pipe and the counters tell of the same losses, each of some.
            lost = max(self._lost_lines, self._instance.overrun())
            self._told.lost = self._lost_before + lost

    def _lines(self) -> Iterator[TraceLine]:
        for text in self._instance.lines() if self._instance else ():
            try:
                line = trace_line.parse(text)
            except FormatError as error:
                self._unparsed(error)
                continue
            if isinstance(line, int):
                self._lost_lines += line
            elif line is not None:
                yield line

    def _take(self, line: TraceLine, poll: Poll) -> None:
        try:
            fields = tracepoints.fields(line)
        except FormatError as error:
            self._unparsed(error)
            return
        if fields is not None:
            self._assembly.take(line, fields, poll)

    def _unparsed(self, error: FormatError) -> None:
        self._told.unparsed += 1
        self._told.first_unparsed = self._told.first_unparsed or error.text[:200]

    def close(self) -> None:
        """End the trace, which then is whole, and the instance of tracefs."""
        try:
            self._remove()
        finally:
            self._out.describe(**self._meta())
            self._out.close()

    def _remove(self) -> None:
        if self._instance is not None:
            self._instance.close()

    def _meta(self) -> dict[str, object]:
        counts = self.ledger.counts
        return {
            "origin": "heapkit record",
            "kernel": f"{os.uname().sysname} {os.uname().release}",
            "monotonic_ns": self.origin_ns,
            "sources": [s.name for s in self.sources if s.status == "read"],
            "tracepoints": list(self._instance.events) if self._instance else [],
            "present_at_start": self._told.present,
            "pauses_ns": self._told.pauses,
            "lost": self._told.lost,
            "unparsed": self._told.unparsed,
            "disk_full": self.full,
            **{name: counts[name] for name in ("refused", "late", "implied_frees")},
        }


def _instance(
    root: Path, pages_order: int | None
) -> tuple[tracefs.Instance | None, Source]:
    path = f"/{tracefs.MOUNTS[0]}"
    try:
        instance = tracefs.Instance(root, pages_order=pages_order)
    except PermissionError as error:
        why = f"{error.strerror}: only root may make an instance"
        source = Source("tracefs", path, _TRACEFS, DENIED, why, AS_ROOT_RECORD)
        return None, source
    except OSError as error:
        why = str(error.strerror)
        return None, Source("tracefs", path, _TRACEFS, ABSENT, why, tracefs.MOUNT)
    return instance, Source("tracefs", path, _TRACEFS)


def _nothing(sources: tuple[Source, ...]) -> str:
    """Why nothing can be recorded, and what would change that."""
    whys = "; ".join(
        f"{s.name}: {s.why or 'lists no inodes'}"
        + (f" ({s.remedy.replace(AS_ROOT, AS_ROOT_RECORD)})" if s.remedy else "")
        for s in sources
    )
    return f"there is nothing to record here: {whys}"


def _copy(path: Path, out: TraceWriter) -> None:
    """The trace in ``path``, with its names in their order."""
    with TraceFile(path) as file:
        for name in file.heaps:
            out.add_heap(name)
        for name in file.processes:
            out.add_process(name)
        for part in file.parts(ROW_GROUP):
            out.append(
                op=part.op,
                buffer=part.buffer,
                size=part.size,
                heap=part.chain,
                time_ns=part.time_ns,
                process=part.process,
            )


def now_ns() -> int:
    """The clock of polls and, as its "mono", of tracefs."""
    return time.monotonic_ns()
