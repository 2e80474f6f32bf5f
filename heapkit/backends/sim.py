# SPDX-License-Identifier: MIT
"""Simulated heaps: the C core behind the kernel's words.

Time stands still but for :meth:`SimHeaps.advance`, and nothing depends on the
garbage collector: a buffer that is never closed stays allocated, as in a program
that forgets it, until its heaps are closed.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count

from heapkit import _ffi, arguments
from heapkit.backends.heap_map import HeapMap
from heapkit.backends.machine import layout, machine
from heapkit.backends.sim_attachment import Attachment
from heapkit.backends.sim_buffer import SimBuf
from heapkit.backends.sim_cell import PARTIAL_SYNC, Cell, Door, Options, SimFinding
from heapkit.backends.sim_files.fences import Fence
from heapkit.backends.sim_files.heap_file import HeapFile, checked_fd_flags
from heapkit.backends.sim_files.table import FileTable
from heapkit.board import Board, Device, UdmabufHeap
from heapkit.errors import refusal
from heapkit.snapshot import Snapshot
from heapkit.uapi import DEFAULT_FD_FLAGS

__all__ = ["Attachment", "SimBuf", "SimFinding", "SimHeap", "SimHeaps", "simulate"]

# A board that names no devices takes any name; their number is the core's to know
# when the machine is made.
SPARE_DEVICES = 64


def simulate(
    board: Board,
    *,
    sync_file: bool = True,
    partial_sync: str = "vendor",
    noexec: bool = False,
) -> SimHeaps:
    """The heaps of ``board``, idle, as a mapping of names to heaps.

    What :func:`heapkit.live` gives on a running kernel, and what only a
    simulation can show: layouts, gauges, attached devices, modelled latencies.

    ``sync_file`` is CONFIG_SYNC_FILE; without it the ioctls that export and import
    fences are ENOTTY. ``partial_sync`` is "vendor" where parts of a buffer can be
    maintained, "hookless" where the kernel knows how to ask for it and the heaps do
    not (EOPNOTSUPP), "mainline" where there is no such ioctl (ENOTTY). ``noexec`` is
    a kernel whose buffers cannot be mapped PROT_EXEC (EPERM), as Linux 7.3.
    """
    if not isinstance(board, Board):
        raise arguments.wrong("simulate", "board", board, "a heapkit.Board")
    options = Options(
        arguments.boolean("simulate", "sync_file", sync_file),
        arguments.choice("simulate", "partial_sync", partial_sync, PARTIAL_SYNC),
        arguments.boolean("simulate", "noexec", noexec),
    )
    return SimHeaps(board, options)


class SimHeaps(HeapMap["SimHeap"]):
    """A mapping of heap names to heaps; satisfies :class:`heapkit.interface.Heaps`."""

    def __init__(self, board: Board, options: Options | None = None) -> None:
        self.board = board
        spare = () if board.devices else (Device("spare"),) * SPARE_DEVICES
        self._machine = machine(board, extra_devices=spare)
        self._door = Door(self._machine, options or Options(), board.costs)
        self._lock = self._machine.lock
        self._cells: dict[int, Cell] = {}
        self._free_ids: list[int] = []
        self._inodes = count(1)
        self._devices = {d.name: i for i, d in enumerate(board.devices)}
        names = enumerate(board.heap_names)
        super().__init__({name: SimHeap(self, name, i) for i, name in names})

    def __repr__(self) -> str:
        return f"<SimHeaps of {self.board.name!r}: {', '.join(self._heaps)}>"

    @property
    def now_ns(self) -> int:
        """The virtual clock."""
        return self._door.now_ns

    def advance(self, ns: int) -> None:
        """Let ``ns`` pass, in which idle threads zero, return and refill pages."""
        ns = arguments.integer("advance", "ns", ns, high=2**62 - self._door.now_ns)
        self._door.advance(ns)

    @property
    def options(self) -> Options:
        """What kernel the heaps are of, as :func:`simulate` was told."""
        return self._door.options

    @property
    def files(self) -> FileTable:
        """The open files that have a number, by it: buffers and sync files."""
        return self._door.files

    def fence(self, after_ns: int | None = None) -> Fence:
        """Work of a device: done ``after_ns`` from now, or when it is told so."""
        at = None
        if after_ns is not None:
            high = 2**62 - self._door.now_ns
            at = self.now_ns + arguments.integer(
                "fence", "after_ns", after_ns, high=high
            )
        return Fence(lambda: self.now_ns, at)

    def allocate(self, size: int, chain: Sequence[str]) -> SimBuf:
        """From the first heap of ``chain`` that has the memory.

        Only ENOMEM moves on to the next heap; the last heap's error is raised.
        """
        return self.allocate_from(self.in_chain(chain), size)

    def allocate_from(
        self,
        chain: Sequence[SimHeap],
        size: int,
        *,
        fd_flags: int = DEFAULT_FD_FLAGS,
    ) -> SimBuf:
        """As :meth:`allocate`, from heaps instead of their names."""
        what = "|".join(heap.name for heap in chain)
        size = arguments.integer(what, "size", size, high=arguments.U64_MAX)
        with self._lock:
            buffer = self._free_ids[0] if self._free_ids else len(self._cells)
            step = self._machine.step(
                _ffi.Op.ALLOC,
                buffer=buffer,
                size=size,
                heaps=[heap.index for heap in chain],
                time_ns=self._door.now_ns,
            )
            if step.status:
                self._door.step(_ffi.Op.FREE, buffer=buffer)
                raise refusal(-step.status, f"{what}: {size} bytes")
            if self._free_ids:
                heappop(self._free_ids)
            rounded = -(-size // _ffi.PAGE_SIZE) * _ffi.PAGE_SIZE
            cell = Cell(
                self._door,
                buffer=buffer,
                size=rounded,
                heap=self.board.heaps[step.heap],
                latency_ns=step.latency_ns,
                forget=self._forget,
            )
            cell.mode = fd_flags & os.O_ACCMODE
            cell.ino = next(self._inodes)
            self._cells[buffer] = cell
            return SimBuf(cell, close_on_exec=bool(fd_flags & os.O_CLOEXEC))

    def adopt(self, fd: int) -> SimBuf:
        """The buffer of that number of :attr:`files`; ``OSError``: EBADF, EINVAL."""
        file = self.files[fd]
        if not isinstance(file, SimBuf):
            raise refusal(errno.EINVAL, f"fd {fd} is {file!r}, which is no dma-buf")
        return file

    def receive(self, sock: socket.socket) -> SimBuf:
        """The reference that :meth:`SimBuf.send` put into a unix socket.

        ``OSError``: EBADMSG for a message of anybody else, ECONNRESET once the other
        end is closed.
        """
        owner = f"heaps of {self.board.name!r}"
        received: SimBuf = self._door.passing.receive(owner, sock)
        return received

    def _forget(self, cell: Cell) -> None:
        del self._cells[cell.buffer]
        heappush(self._free_ids, cell.buffer)

    @property
    def buffers(self) -> tuple[SimBuf, ...]:
        """A new reference to each live buffer, by the core's id; close them too."""
        with self._lock:
            return tuple(SimBuf(self._cells[i]) for i in sorted(self._cells))

    def device(self, name: str) -> Device:
        """The board's device of that name.

        A plain one that does not snoop where the board names no devices;
        ``ValueError`` lists those it names.
        """
        device = self.board.device(name)
        with self._lock:
            if name not in self._devices and len(self._devices) == SPARE_DEVICES:
                raise arguments.wrong(
                    "device",
                    "name",
                    name,
                    f"{SPARE_DEVICES} names, or a board that lists its devices",
                )
            index = self._devices.setdefault(name, len(self._devices))
            self._door.devices[device] = index
        return device

    @property
    def findings(self) -> tuple[SimFinding, ...]:
        """What the calls so far did that nobody should rely on, oldest first.

        Stale reads, lost writes, accesses without a mapping, calls that do not pair.
        Who reads and writes is told by ``cpu_read``, ``cpu_write`` of a buffer and
        ``read``, ``write`` of an attachment; see :func:`heapkit.coherency` for a run.
        """
        return tuple(self._door.findings)

    def owner(self, buffer: int) -> str:
        """What a snapshot calls the buffer of that id: its name, or "#id"."""
        cell = self._cells.get(buffer)
        return (cell.name if cell else "") or f"#{buffer}"

    def layout(self, index: int) -> Snapshot:
        """The regions of the heap of that index."""
        with self._lock:
            snapshot = layout(self.board, self._machine, index, name=self.owner)
            # A buffer may be named anew: a snapshot keeps the names of now.
            return replace(snapshot, regions=tuple(snapshot.regions))

    def gauges(self, index: int) -> _ffi.Gauges:
        """The gauges of the heap of that index."""
        return self._machine.gauges(index)

    def cma_counters(self, index: int) -> _ffi.CmaCounters:
        """What the CMA area of that index has counted."""
        return self._machine.cma_counters(index)

    def check(self) -> None:
        """Raise :class:`heapkit.InvariantError` if an invariant is broken."""
        self._machine.check()

    def close(self) -> None:
        """Close every buffer and heap; a second time does nothing."""
        self._machine.close()


class SimHeap(HeapFile):
    """One heap of a simulated board.

    Satisfies :class:`heapkit.interface.DmaHeap` and
    :class:`heapkit.interface.HeapView`.
    """

    def __init__(self, heaps: SimHeaps, name: str, index: int) -> None:
        self._heaps, self._name, self.index = heaps, name, index

    @property
    def name(self) -> str:
        """As on the board."""
        return self._name

    def allocate(
        self, size: int, *, heap_flags: int = 0, fd_flags: int = DEFAULT_FD_FLAGS
    ) -> SimBuf:
        """A zeroed buffer of ``size`` bytes, rounded up to pages.

        ``fd_flags`` are an access mode and O_CLOEXEC. ``OSError`` as the kernel
        says it: EINVAL for other flags of the file, for any heap flag but those of a
        secure heap's ``private_flags``, for size 0 and for one that does not survive
        rounding up; ENOMEM.
        """
        mode = checked_fd_flags(self._name, fd_flags)
        flags = arguments.integer(
            self._name, "heap_flags", heap_flags, high=arguments.U64_MAX
        )
        size = arguments.integer(self._name, "size", size, high=arguments.U64_MAX)
        heap = self._heaps.board.heap(self._name)
        # udmabuf.c exports for reading and writing, and asks nobody.
        other_mode = isinstance(heap, UdmabufHeap) and mode & os.O_ACCMODE != os.O_RDWR
        if other_mode or flags & ~getattr(heap, "private_flags", 0):
            what = f"{self._name}: heap_flags={flags:#x}, {fd_flags=:#x}, {size} bytes"
            raise refusal(errno.EINVAL, what)
        return self._heaps.allocate_from([self], size, fd_flags=mode)

    def adopt(self, fd: int) -> SimBuf:
        """The buffer of that number, as an :meth:`ioctl` gave it; see SimHeaps."""
        return self._heaps.adopt(fd)

    def snapshot(self) -> Snapshot:
        """Every region by address; owned by a buffer's name, or "#id" without one."""
        return self._heaps.layout(self.index)

    def gauges(self) -> _ffi.Gauges:
        """Free, longest free, pooled and deferred bytes now."""
        return self._heaps.gauges(self.index)

    def cma_counters(self) -> _ffi.CmaCounters:
        """What a CMA area has counted so far; ``ValueError`` for any other heap."""
        return self._heaps.cma_counters(self.index)

    def check(self) -> None:
        """Raise :class:`heapkit.InvariantError` if an invariant is broken."""
        self._heaps.check()

    def __repr__(self) -> str:
        return f"<SimHeap {self._name}>"
