# SPDX-License-Identifier: MIT
"""The heaps of a run, as the programs of the run see them through their files.

One thread asks the host, so what several processes do has one order: that of the
trace.
"""

from __future__ import annotations

import errno
import os
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from heapkit import ioctls, uapi
from heapkit._ffi import Op
from heapkit.backends.sim import SimBuf, SimHeap, SimHeaps
from heapkit.backends.sim_files.fences import SyncFile
from heapkit.board import Board, PageLoad, UdmabufHeap
from heapkit.errors import refusal
from heapkit.preload.faults import Faults
from heapkit.preload.nodes import Node, heap_node, memory_node
from heapkit.preload.protocol import Call, Key, Reply, Request
from heapkit.preload.recording import Recording

ALLOCATION: Final = struct.Struct("=QIIQ")  # struct dma_heap_allocation_data
SYNC_FILE: Final = struct.Struct("=Ii")  # struct dma_buf_export_sync_file
MAX_SIZE: Final = 2**64 - 4096  # what PAGE_ALIGN() does not make 0
_MAP_BITS: Final = 0x8003  # MAP_SHARED, MAP_PRIVATE, MAP_POPULATE
_PROT_BITS: Final = 7
_NOTHING: Final = (0, 0)


class Held(NamedTuple):
    """A buffer that somebody had not closed."""

    heap: str
    size: int
    name: str
    process: str


def heap_names(board: Board) -> tuple[str, ...]:
    """The heaps of ``board`` that have a device: no load, and no udmabuf."""
    none = (PageLoad, UdmabufHeap)
    return tuple(heap.name for heap in board.heaps if not isinstance(heap, none))


class Host:
    """Answers the questions of programs about the heaps in ``directory``."""

    def __init__(
        self,
        heaps: SimHeaps,
        directory: Path,
        *,
        recording: Recording,
        faults: Faults,
        latency: float,
    ) -> None:
        self._heaps, self._recording, self._faults = heaps, recording, faults
        self._latency = latency
        self._nodes: dict[Key, Node] = {}
        self._began = time.monotonic_ns()
        self._tries = 0
        self.left: list[Held] = []
        heaps.files.limit = 2**31  # a process has a limit, and it is its own
        self._minors = {name: i for i, name in enumerate(heap_names(heaps.board))}
        for name in self._minors:
            self._add(heap_node(directory, heaps[name]))
        self._calls: dict[Call, Callable[[Node, Request, str], Reply]] = {
            Call.IDENTIFY: self._identify,
            Call.ALLOC: self._alloc,
            Call.IOCTL: self._ioctl,
            Call.MMAP: self._mmap,
            Call.MUNMAP: self._munmap,
            Call.CLOSED: self._closed,
        }

    @property
    def memory(self) -> tuple[Node, ...]:
        """The buffers and sync files that are open."""
        nodes = self._nodes.values()
        return tuple(node for node in nodes if not isinstance(node.thing, SimHeap))

    def _add(self, node: Node) -> Node:
        self._nodes[node.key] = node
        return node

    def pass_time(self) -> int:
        """The heaps' clock is the machine's, from the beginning of the run on."""
        late = time.monotonic_ns() - self._began - self._heaps.now_ns
        if late > 0:
            self._heaps.advance(late)
        return self._heaps.now_ns

    def answer(self, request: Request, process: str) -> Reply:
        """What the kernel would have answered ``process``."""
        self.pass_time()
        try:
            if request.call is Call.CLOSED and request.key == _NOTHING:
                self.sweep(process)
                return Reply()
            node = self._nodes.get(request.key)
            if node is None:
                return Reply(-errno.ENOENT)
            return self._calls[request.call](node, request, process)
        except OSError as error:
            return Reply(-(error.errno or errno.EIO))
        except ValueError:
            # What no kernel takes either: a size that is none.
            return Reply(-errno.EINVAL)

    def _identify(self, node: Node, _request: Request, _process: str) -> Reply:
        thing = node.thing
        minor = self._minors[thing.name] if isinstance(thing, SimHeap) else 0
        name = os.fsencode(thing.name) if isinstance(thing, SimBuf) else b""
        return Reply(values=(node.kind, node.size, node.mode, minor), data=name)

    # --- Allocation --------------------------------------------------------------

    def _alloc(self, node: Node, request: Request, process: str) -> Reply:
        if not isinstance(node.thing, SimHeap):
            return Reply(-errno.ENOTTY)
        heap, data = node.thing, bytearray(request.data[: ALLOCATION.size])
        size, fd, fd_flags, _ = ALLOCATION.unpack(data)
        sound = not fd and not fd_flags & ~uapi.DMA_HEAP_VALID_FD_FLAGS
        if sound and 0 < size <= MAX_SIZE and self._faults.refuse(heap.name):
            self._recording.counts["injected"] += 1
            raise refusal(errno.ENOMEM, f"{heap.name}: as asked for")
        self._tries += 1
        buffer = self._fresh(heap, data, process)
        try:
            made = self._add(
                memory_node(
                    buffer, size=buffer.size, mode=buffer.fd_flags, name="dmabuf"
                )
            )
        except OSError:
            buffer.close()
            raise
        made.owner = process
        self._record(Op.ALLOC, made, process, size=size, heap=heap.name)
        return Reply(sleep_ns=self._time_of(buffer), values=made.key, file=made.given())

    def _fresh(self, heap: SimHeap, data: bytearray, process: str) -> SimBuf:
        """A new buffer. Before memory is said to be short, closed buffers are found."""
        try:
            heap.ioctl(uapi.DMA_HEAP_IOCTL_ALLOC, data)
        except OSError as error:
            if error.errno != errno.ENOMEM:
                raise
            if not self.sweep(process):
                self._refused(heap, data, process)
                raise
            try:
                heap.ioctl(uapi.DMA_HEAP_IOCTL_ALLOC, data)
            except OSError:
                self._refused(heap, data, process)
                raise
        file = self._heaps.files[ALLOCATION.unpack(data)[1]]
        assert isinstance(file, SimBuf)
        return file

    def _refused(self, heap: SimHeap, data: bytearray, process: str) -> None:
        """A failed allocation has an id in a trace too, and its FREE does nothing."""
        now, size = self._heaps.now_ns, ALLOCATION.unpack(data)[0]
        buffer = 2**63 + self._tries
        self._recording.counts["failed"] += 1
        self._recording.add(
            Op.ALLOC, buffer, process=process, time_ns=now, size=size, heap=heap.name
        )
        self._recording.add(Op.FREE, buffer, process=process, time_ns=now)

    def _record(self, op: Op, node: Node, process: str, **more: object) -> None:
        assert isinstance(node.thing, SimBuf)
        self._recording.add(
            op,
            node.thing.ino,
            process=process,
            time_ns=self._heaps.now_ns,
            **more,  # type: ignore[arg-type]
        )

    def _time_of(self, buffer: SimBuf) -> int:
        return round(buffer.latency_ns * self._latency)

    # --- What is done with a buffer ------------------------------------------------

    def _ioctl(self, node: Node, request: Request, process: str) -> Reply:
        if not isinstance(node.thing, SimBuf):
            return Reply(-errno.ENOTTY)
        command, data = request.args[0] & 0xFFFFFFFF, bytearray(request.data)
        if command == ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE:
            return self._export(node.thing, data)
        if command == ioctls.DMA_BUF_IOCTL_IMPORT_SYNC_FILE:
            self._name_sync_file(data, (request.args[1], request.args[2]))
        node.thing.ioctl(command, data)
        if command not in (uapi.DMA_BUF_IOCTL_SYNC, ioctls.DMA_BUF_IOCTL_SYNC_PARTIAL):
            return Reply()
        flags = int.from_bytes(data[:8], "little")
        op = Op.END_CPU if flags & uapi.Sync.END else Op.BEGIN_CPU
        self._record(op, node, process, access=flags & int(uapi.Sync.RW))
        return Reply(sleep_ns=self._time_of(node.thing))

    def _export(self, buffer: SimBuf, data: bytearray) -> Reply:
        buffer.ioctl(ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE, data)
        file = self._heaps.files[SYNC_FILE.unpack_from(data)[1]]
        assert isinstance(file, SyncFile)
        made = self._add(memory_node(file, size=0, mode=os.O_RDWR, name="sync_file"))
        return Reply(values=made.key, file=made.given())

    def _name_sync_file(self, data: bytearray, key: Key) -> None:
        """The number of the file in the heaps' table, for that of the program."""
        node = self._nodes.get(key)
        number = node.thing.fd if node and isinstance(node.thing, SyncFile) else -1
        flags, _ = SYNC_FILE.unpack_from(data)
        SYNC_FILE.pack_into(data, 0, flags, number)

    def _mmap(self, node: Node, request: Request, process: str) -> Reply:
        if not isinstance(node.thing, SimBuf):
            return Reply(-errno.ENODEV)
        length, prot, flags, offset = request.args
        node.thing.check_mmap(
            length=length,
            prot=prot & _PROT_BITS,
            flags=flags & _MAP_BITS,
            offset=offset,
        )
        node.maps += 1
        self._record(Op.MMAP, node, process)
        return Reply(sleep_ns=self._time_of(node.thing))

    def _munmap(self, node: Node, request: Request, process: str) -> Reply:
        if node.maps:
            node.maps -= 1
            self._record(Op.MUNMAP, node, process)
        return self._closed(node, request, process)

    # --- Freeing -------------------------------------------------------------------

    def _closed(self, node: Node, _request: Request, process: str) -> Reply:
        self._free_if_closed(node, process)
        return Reply()

    def _free_if_closed(self, node: Node, process: str) -> bool:
        if isinstance(node.thing, SimHeap) or node.held:
            return False
        self._free(node, process)
        return True

    def _free(self, node: Node, process: str) -> None:
        if isinstance(node.thing, SimBuf):
            self._record(Op.FREE, node, process or node.owner)
        del self._nodes[node.key]
        node.close()

    def sweep(self, process: str = "") -> int:
        """Free what nobody has open any more; how many buffers and sync files.

        What a process had left open when it ended is noted in :attr:`left`.
        """
        self.pass_time()
        gone = [node for node in self.memory if not node.held]
        for node in gone:
            if (held := _held(node)) and _has_ended(node.owner):
                self.left.append(held)
            self._free(node, process)
        return len(gone)

    def open(self) -> tuple[Held, ...]:
        """The buffers that somebody still has open."""
        return tuple(held for node in self.memory if (held := _held(node)))

    def close(self) -> None:
        """Close every file of the host; what programs have open stays theirs."""
        for node in self._nodes.values():
            node.close()
        self._nodes = {}


def _held(node: Node) -> Held | None:
    if not isinstance(node.thing, SimBuf):
        return None
    return Held(node.thing.exp_name, node.size, node.thing.name, node.owner)


def _has_ended(process: str) -> bool:
    """Whether "comm:pid" is gone, or only waits for its parent to look: proc(5)."""
    try:
        text = Path(f"/proc/{process.rpartition(':')[2]}/stat").read_text()
    except OSError:
        return True
    return text.rpartition(")")[2].split()[0] in "ZX"
