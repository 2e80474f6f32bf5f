# SPDX-License-Identifier: MIT
"""One trace out of tracepoints and lists: every buffer is in it once.

What a CMA area hands out is told by the area's own events, with its place and its
time; so a dma-buf of its heap is not taken from a list as well. The heap is called as
the area is (drivers/dma-buf/heaps/cma_heap.c), the default one of Linux 6.17 and later
:data:`DEFAULT_HEAP`, any other as ``cma_heaps`` says. A
``dma_heap_stat`` after a CMA allocation of the same task and size is that allocation.
Any other dma-buf is known by its inode: from an event where there is one, else from
the list. What was there before the recording has no event that tells its place: it is
taken from the list, and so is its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from heapkit._ffi import PAGE_SIZE
from heapkit.recorder import identity, tracepoints
from heapkit.recorder.ledger import Ledger, heap_name
from heapkit.recorder.polling import Poll, Seen, holder_of
from heapkit.recorder.trace_line import TraceLine

PAGE_ALLOCATOR = "page_allocator"
# Of a dma-buf that was freed before a list named its exporter.
UNNAMED = "dma_heap"
# The heap of the default area, and what the area is called: by its kernel, by a
# device tree of either style (Documentation/userspace-api/dma-buf-heaps.rst).
DEFAULT_HEAP = "default_cma_region"
DEFAULT_AREAS = frozenset({"reserved", "linux,cma", "default-pool"})
# Tasks whose last CMA allocation is remembered: enough for the one line between it
# and its dma_heap_stat.
_TASKS = 256

Holders = Callable[[Iterable[int]], dict[int, str]]


class Assembly:
    """Enters lines and polls into a ledger, in the order of time.

    ``areas`` are the CMA areas whose events are told, ``cma_heaps`` further names
    of heaps that hand out of them.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        areas: Iterable[str],
        holders: Holders,
        cma_heaps: Iterable[str] = (),
    ) -> None:
        self._ledger, self._holders = ledger, holders
        self._of_areas = {heap_name(heap) for heap in cma_heaps}
        for area in areas:
            self._add_area(area)
        self._listed: set[int] = set()  # inodes that the list says, and that are held
        self._told: dict[int, int] = {}  # inode of an event -> when
        self._elsewhere: set[int] = set()  # inodes whose bytes an area's event told
        self._last_cma: dict[int, int] = {}  # task -> size

    def _add_area(self, area: str) -> None:
        self._of_areas.add(heap_name(area))
        if area in DEFAULT_AREAS:
            self._of_areas.add(DEFAULT_HEAP)

    def begin(self, poll: Poll) -> int:
        """Enter what is there at the beginning; how many those are."""
        holders = self._holders(poll.buffers)
        for inode, seen in poll.buffers.items():
            self._enter(inode, seen, poll.time_ns, holders)
        return len(poll.buffers)

    def _enter(
        self, inode: int, seen: Seen, time_ns: int, holders: dict[int, str]
    ) -> None:
        self._ledger.allocate(
            identity.of_inode(inode),
            # A Trace has no buffer of no bytes.
            max(1, seen.size),
            heap=heap_name(seen.exp_name),
            process=holder_of(holders, inode),
            time_ns=time_ns,
        )
        self._listed.add(inode)

    def poll(self, poll: Poll) -> None:
        """Enter what the list has that it had not, and what it has no longer."""
        gone = [inode for inode in self._listed if inode not in poll.buffers]
        for inode in gone:
            self._listed.discard(inode)
            self._ledger.free(identity.of_inode(inode), time_ns=poll.time_ns)
        self._elsewhere &= set(poll.buffers)
        for inode, when in list(self._told.items()):
            # An event later than the list is of a buffer that is not yet in it.
            if inode not in poll.buffers and when < poll.time_ns:
                self._end(inode, poll.time_ns)
        self._enter_new(poll)

    def _enter_new(self, poll: Poll) -> None:
        known = self._listed | self._told.keys() | self._elsewhere
        new = [
            (inode, seen)
            for inode, seen in poll.buffers.items()
            if inode not in known and heap_name(seen.exp_name) not in self._of_areas
        ]
        holders = self._holders(inode for inode, _ in new)
        for inode, seen in new:
            self._enter(inode, seen, poll.time_ns, holders)

    def take(self, line: TraceLine, fields: tracepoints.Fields, poll: Poll) -> None:
        """Enter an event; ``poll`` names the exporters that it does not."""
        if line.event in ("cma_alloc_finish", "cma_alloc"):
            self._cma(line, fields)
        elif line.event == "cma_release" and fields.pfn is not None:
            # Of what was there before, the list tells the end.
            self._ledger.free(identity.of_cma(fields.pfn), time_ns=line.time_ns)
        elif line.event == "mm_page_alloc":
            self._hand_out(line, fields, PAGE_ALLOCATOR, identity.of_pages)
        elif line.event == "mm_page_free" and fields.pfn is not None:
            self._ledger.free(identity.of_pages(fields.pfn), time_ns=line.time_ns)
        elif fields.inode is not None:
            self._dma_buf(line, fields, fields.inode, poll)

    def _cma(self, line: TraceLine, fields: tracepoints.Fields) -> None:
        self._add_area(fields.name)
        self._hand_out(line, fields, heap_name(fields.name), identity.of_cma)
        if fields.pfn is not None:
            self._last_cma.pop(line.pid, None)
            self._last_cma[line.pid] = fields.size
            if len(self._last_cma) > _TASKS:
                del self._last_cma[next(iter(self._last_cma))]

    def _hand_out(
        self,
        line: TraceLine,
        fields: tracepoints.Fields,
        heap: str,
        id_of: Callable[[int], int],
    ) -> None:
        size = max(PAGE_SIZE, fields.size)
        who = {"heap": heap, "process": line.process, "time_ns": line.time_ns}
        if fields.pfn is None:
            self._ledger.refuse(size, errno=fields.errno, **who)  # type: ignore[arg-type]
        else:
            self._ledger.allocate(id_of(fields.pfn), size, **who)  # type: ignore[arg-type]

    def _dma_buf(
        self, line: TraceLine, fields: tracepoints.Fields, inode: int, poll: Poll
    ) -> None:
        if fields.size <= 0:
            self._end(inode, line.time_ns)
        elif not self._counted(line, fields, inode):
            seen = poll.buffers.get(inode)
            name = fields.name or (seen.exp_name if seen else UNNAMED)
            self._told[inode] = line.time_ns
            self._ledger.allocate(
                identity.of_inode(inode),
                fields.size,
                heap=heap_name(name),
                process=line.process,
                time_ns=line.time_ns,
            )

    def _counted(self, line: TraceLine, fields: tracepoints.Fields, inode: int) -> bool:
        """Whether another event already told of this buffer."""
        if inode in self._told or inode in self._listed or inode in self._elsewhere:
            return True
        size = self._last_cma.get(line.pid)
        if heap_name(fields.name) in self._of_areas or size == fields.size:
            self._elsewhere.add(inode)
            self._last_cma.pop(line.pid, None)
            return True
        return False

    def _end(self, inode: int, time_ns: int) -> None:
        self._told.pop(inode, None)
        self._listed.discard(inode)
        if inode in self._elsewhere:
            self._elsewhere.discard(inode)
        else:
            self._ledger.free(identity.of_inode(inode), time_ns=time_ns)
