# SPDX-License-Identifier: MIT
"""A phone whose devices share buffers, as a SimPy model: rows like the core's.

Everything a camera's trace asks for, event by event: a chain of heaps, attachments,
mappings, cache maintenance, deferred free, what each event costs, and the gauges.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import simpy
from simpy.events import EventPriority

from benchmarks.peers.bill import Bill, Costs, empty_bill, price
from benchmarks.peers.dirty_lines import DirtyLines
from benchmarks.peers.phone_heaps import PAGE, Heap
from benchmarks.peers.system_heap import Memory
from heapkit import Device, Op
from heapkit._ffi import Access

LATE = EventPriority(2)  # simpy.events has URGENT 0 and NORMAL 1


class Event(NamedTuple):
    """An event of a trace; ``chain`` has numbers of heaps."""

    op: int
    buffer: int
    size: int
    offset: int
    time_ns: int
    device: int
    access: int
    chain: tuple[int, ...]


class Row(NamedTuple):
    """What one event did, and the gauges of its heap after it."""

    status: int
    heap: int
    tried: int
    entries: int
    pool_entries: int
    address: int
    latency_ns: int
    free_bytes: int
    largest_free_bytes: int
    pool_bytes: int
    deferred_bytes: int


@dataclass(slots=True)
class Attachment:
    """A device at a buffer."""

    device: int
    mapped: bool = False


@dataclass(slots=True)
class Buffer:
    """Without blocks its allocation failed. ``attachments`` are oldest first."""

    heap: int
    blocks: list[tuple[int, int]]
    pool_entries: int
    size: int
    dirty: DirtyLines  # at first all, for they were zeroed
    attachments: list[Attachment] = field(default_factory=list)

    def find(self, device: int, *, mapped: bool) -> Attachment | None:
        """The newest such attachment."""
        for at in reversed(self.attachments):
            if at.device == device and at.mapped == mapped:
                return at
        return None

    def entries(self, offset: int, length: int) -> int:
        """How many blocks a part overlaps."""
        if length == self.size:
            return len(self.blocks)
        start = count = 0
        for _, pages in self.blocks:
            end = start + pages * PAGE
            count += start < offset + length and end > offset
            start = end
        return count


Part: TypeAlias = tuple[int, int]  # offset and length in bytes
Carry: TypeAlias = Callable[[Buffer, Event, Bill], int]


class Phone:
    """Carries out events on the heaps and the devices of a board, by number."""

    def __init__(
        self, heaps: Mapping[int, Heap], devices: Sequence[Device], costs: Costs
    ) -> None:
        self.heaps, self.devices, self.costs = heaps, devices, costs
        self.line = int(costs["line_bytes"])
        self.cache_lines = int(costs["cache_bytes"]) // self.line
        self.held: dict[int, Buffer] = {}
        self._use: dict[int, Carry] = {
            Op.ATTACH: self._attach,
            Op.DETACH: self._detach,
            Op.MAP: self._map,
            Op.UNMAP: self._unmap,
            Op.BEGIN_CPU: self._sync,
            Op.END_CPU: self._sync,
        }

    def carry_out(self, event: Event) -> Row:
        """One event: who it concerns, what it does to them, what it cost."""
        bill, status, tried = empty_bill(), 0, 0
        if event.op == 0:
            buffer, tried = self._allocate(event, bill)
            status = 0 if buffer.blocks else -errno.ENOMEM
        elif event.op == 1:
            buffer = self.held.pop(event.buffer)
            self._free(buffer, bill)
        else:
            buffer = self.held[event.buffer]
            if buffer.blocks:
                status = self._use[event.op](buffer, event, bill)
        return self._row(buffer, status, tried, price(bill, self.costs))

    def _row(self, buffer: Buffer, status: int, tried: int, latency: int) -> Row:
        return Row(
            status,
            buffer.heap,
            tried,
            len(buffer.blocks),
            buffer.pool_entries,
            buffer.blocks[0][0] * PAGE if buffer.blocks else 0,
            latency,
            *self.heaps[buffer.heap].gauges(),
        )

    def _allocate(self, event: Event, bill: Bill) -> tuple[Buffer, int]:
        pages, tried, memory = -(-event.size // PAGE), 0, None
        while memory is None and tried < len(event.chain):
            heap = event.chain[tried]
            tried += 1
            bill["allocate_call"] += 1
            memory = self.heaps[heap].allocate(pages, bill)
        size = pages * PAGE
        dirty = DirtyLines(size // self.line)
        buffer = Buffer(heap, *(memory or ([], 0)), size=size, dirty=dirty)
        self.held[event.buffer] = buffer
        return buffer, tried

    def _free(self, buffer: Buffer, bill: Bill) -> None:
        if buffer.blocks:
            bill["free_call"] += 1
            memory = Memory(buffer.blocks, buffer.pool_entries)
            self.heaps[buffer.heap].free(memory)

    def _attach(self, buffer: Buffer, event: Event, bill: Bill) -> int:
        buffer.attachments.append(Attachment(event.device))
        bill["attach_call"] += 1
        bill["attach_entry"] += len(buffer.blocks)
        return 0

    def _detach(self, buffer: Buffer, event: Event, bill: Bill) -> int:
        at = buffer.find(event.device, mapped=False)
        if at is None:
            at = buffer.find(event.device, mapped=True)
            if at is None:
                return -errno.EINVAL
            self._unmap(buffer, event, bill)
        buffer.attachments.remove(at)
        bill["attach_call"] += 1
        return 0

    def _map(self, buffer: Buffer, event: Event, bill: Bill) -> int:
        at = buffer.find(event.device, mapped=False)
        if at is None:
            return -errno.EINVAL
        at.mapped = True
        bill["map_entry"] += len(buffer.blocks)
        device = self.devices[event.device]
        if device.iommu:
            bill["iommu_map_entry"] += len(buffer.blocks)
        if not device.coherent:
            self._clean(buffer, (0, buffer.size), 1, bill)
        return 0

    def _unmap(self, buffer: Buffer, event: Event, bill: Bill) -> int:
        at = buffer.find(event.device, mapped=True)
        if at is None:
            return -errno.EINVAL
        at.mapped = False
        bill["unmap_entry"] += len(buffer.blocks)
        device = self.devices[event.device]
        if device.iommu:
            bill["iommu_unmap_entry"] += len(buffer.blocks)
        if not device.coherent:
            self._invalidate(buffer, (0, buffer.size), 1, bill)
        return 0

    def _sync(self, buffer: Buffer, event: Event, bill: Bill) -> int:
        left = buffer.size - event.offset
        if left < 0 or event.size > left:
            return -errno.EINVAL
        bill["sync_call"] += 1
        part = event.offset, event.size or left
        passes = sum(
            at.mapped and not self.devices[at.device].coherent
            for at in buffer.attachments
        )
        if passes and event.op == Op.END_CPU:
            self._clean(buffer, part, passes, bill)
        elif passes and event.access != Access.WRITE:
            # arm64 since 5.19 does nothing for a CPU that only writes.
            self._invalidate(buffer, part, passes, bill)
        return 0

    def _clean(self, buffer: Buffer, part: Part, passes: int, bill: Bill) -> None:
        first, end = self._lines(part)
        bill["sync_entry"] += passes * buffer.entries(*part)
        bill["clean_line"] += passes * (end - first)
        # Written back by the first pass; no more than the cache holds.
        bill["dirty_line"] += min(buffer.dirty.take(first, end), self.cache_lines)

    def _invalidate(self, buffer: Buffer, part: Part, passes: int, bill: Bill) -> None:
        first, end = self._lines(part)
        bill["sync_entry"] += passes * buffer.entries(*part)
        bill["invalidate_line"] += passes * (end - first)
        buffer.dirty.take(first, end)

    def _lines(self, part: Part) -> tuple[int, int]:
        offset, length = part
        first = offset // self.line
        return first, (offset + length - 1) // self.line + 1 if length else first


class Turn(simpy.Event):
    """A timeout that comes after whatever else is due at its instant."""

    def __init__(self, env: simpy.Environment, delay: float) -> None:
        super().__init__(env)
        self._ok, self._value = True, None
        env.schedule(self, LATE, delay)


class Model:
    """Waits for the time of each event; ``rows`` are the phone's answers."""

    def __init__(self, env: simpy.Environment, phone: Phone) -> None:
        self.rows: list[Row] = []
        self._env, self._phone = env, phone

    def advance(self, events: Sequence[Event]) -> None:
        """The next events."""
        self._env.run(until=self._env.process(self._program(events)))

    def _program(self, events: Sequence[Event]) -> Generator[simpy.Event]:
        for event in events:
            yield Turn(self._env, event.time_ns - self._env.now)
            self.rows.append(self._phone.carry_out(event))
