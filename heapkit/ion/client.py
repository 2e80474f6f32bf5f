# SPDX-License-Identifier: MIT
"""A program's side of /dev/ion on simulated heaps: masks, handles, descriptors."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

from heapkit import arguments
from heapkit._ffi import PAGE_SIZE
from heapkit.backends.sim import SimBuf, SimHeaps, simulate
from heapkit.board import Board, PageLoad, UdmabufHeap
from heapkit.errors import refusal
from heapkit.ion import rules, uapi
from heapkit.ion.handles import Handles

U32_MAX: Final = 2**32 - 1


class HeapData(NamedTuple):
    """``struct ion_heap_data``, without what is reserved."""

    name: str
    type: int
    heap_id: int


class Client:
    """One opener of ION's device on a board's heaps.

    ``ids`` gives heaps their ids, 0 to 31: a request's mask has their bits, and the
    heap with the highest id is asked first (plist of -id in ion.c), whatever the
    caller's order. ``era`` is one of :data:`heapkit.ion.ERAS`: in "handle"
    :meth:`alloc` returns a handle, in "fd" and "android" the number of an open file
    of :attr:`SimHeaps.files`, and calls of the other era are ``OSError(ENOTTY)``.

    Draining a heap's deferred frees and trying again is the heap's own matter:
    :func:`heapkit.ion.board` makes a board whose heaps do. Whether a buffer is
    cached is its heap's here, not the request's: ``uncached`` names the heap that
    stands in for another where a request has not Flag.CACHED, as ION's own system
    heap had pools of both kinds. Without it the flag is looked at where a heap
    refuses it, and changes nothing else.

    With a :class:`Board` the client makes the heaps, and closes them with itself.
    """

    def __init__(
        self,
        heaps: SimHeaps | Board,
        ids: Mapping[str, int],
        *,
        era: str = "handle",
        uncached: Mapping[str, str] | None = None,
    ) -> None:
        self.era = arguments.choice("ion.Client", "era", era, uapi.ERAS)
        self._own = isinstance(heaps, Board)
        self.heaps = simulate(heaps) if isinstance(heaps, Board) else heaps
        if not isinstance(self.heaps, SimHeaps):
            raise arguments.wrong("ion.Client", "heaps", heaps, "a Board or SimHeaps")
        self.ids = checked_ids(self.heaps.board, ids)
        self._uncached = dict(uncached or {})
        for cached, twin in self._uncached.items():
            if cached not in self.ids or twin not in self.heaps:
                allowed = "heaps with ids, and a heap of the board for each"
                raise arguments.wrong("ion.Client", "uncached", uncached, allowed)
        self._handles = Handles()

    def alloc(
        self, length: int, align: int = 0, *, heap_id_mask: int, flags: int = 0
    ) -> int:
        """ION_IOC_ALLOC from the first heap of the mask that has the memory.

        ``OSError``: EINVAL for no bytes, ENODEV where no heap has a bit of the mask,
        else what the last heap tried says: ENOMEM, EINVAL for an alignment above a
        page (above the chunk for a chunk heap) and for CACHED from the handle era's
        CMA heap, which says EPERM where it means ENOMEM.
        """
        buffer = self._allocate(
            arguments.integer("ion", "length", length, high=arguments.U64_MAX),
            arguments.integer("ion", "align", align, high=arguments.U64_MAX),
            arguments.integer("ion", "heap_id_mask", heap_id_mask, high=U32_MAX),
            arguments.integer("ion", "flags", flags, high=U32_MAX),
        )
        if self.era == "handle":
            return self._handles.take(buffer)
        try:
            return buffer.fd
        except OSError:
            buffer.close()
            raise

    def _allocate(self, length: int, align: int, mask: int, flags: int) -> SimBuf:
        if align and self.era != "handle":
            allowed = f"0: the struct of era {self.era!r} has no such field"
            raise arguments.wrong("ion", "align", align, allowed)
        pages = (length + PAGE_SIZE - 1) % 2**64 // PAGE_SIZE
        if not pages:
            raise refusal(errno.EINVAL, f"ion: {length} bytes")
        failed = refusal(errno.ENODEV, f"ion: no heap for mask {mask:#x}")
        for name in self.in_mask(mask):
            try:
                return self._allocate_from(name, pages * PAGE_SIZE, align, flags)
            except OSError as error:
                failed = error
        raise failed

    def _allocate_from(self, name: str, length: int, align: int, flags: int) -> SimBuf:
        board = self.heaps.board
        heap, what = board.heap(name), f"ion: {name}: {length} bytes"
        code = rules.refused(
            heap, board, length=length, align=align, flags=flags, era=self.era
        )
        if code:
            raise refusal(code, f"{what}, align {align}, flags {flags:#x}")
        try:
            return self.heaps[self._served(name, flags)].allocate(length)
        except OSError as error:
            code = rules.failure(heap, error.errno or errno.EIO, self.era)
            raise refusal(code, what) from None

    def _served(self, name: str, flags: int) -> str:
        return name if flags & uapi.Flag.CACHED else self._uncached.get(name, name)

    def in_mask(self, heap_id_mask: int) -> tuple[str, ...]:
        """The heaps that such a request asks, in the order in which they are asked."""
        return tuple(name for name, i in self._by_id() if heap_id_mask >> i & 1)

    def _by_id(self) -> list[tuple[str, int]]:
        return sorted(self.ids.items(), key=lambda pair: -pair[1])

    def mask(self, *names: str) -> int:
        """The mask of those heaps."""
        for name in names:
            if name not in self.ids:
                raise arguments.wrong("ion", "heap", name, f"one of {tuple(self.ids)}")
        return sum(1 << self.ids[name] for name in set(names))

    def buffer(self, number: int) -> SimBuf:
        """What a handle ("handle"), or a file's number, stands for; not a new one.

        ``OSError``: EINVAL for another handle, EBADF for another number.
        """
        if self.era == "handle":
            return self._handles.buffer(number)
        return self._dma_buf(number)

    def _dma_buf(self, fd: int) -> SimBuf:
        """dma_buf_get(), and a look at the exporter."""
        file = self.heaps.files[fd]
        exporters = {*self.ids, *self._uncached.values()}
        if not isinstance(file, SimBuf) or file.exp_name not in exporters:
            raise refusal(errno.EINVAL, f"ion: fd {fd} is no buffer of its heaps")
        return file

    def free(self, handle: int) -> None:
        """ION_IOC_FREE: one reference to the handle less."""
        self._only("handle", "FREE")
        self._handles.put(handle)

    def share(self, handle: int) -> int:
        """ION_IOC_SHARE: a new file, whose number is returned; MAP does the same."""
        self._only("handle", "SHARE")
        reference = self._handles.buffer(handle).dup()
        try:
            return reference.fd
        except OSError:
            reference.close()
            raise

    def import_(self, fd: int) -> int:
        """ION_IOC_IMPORT: the handle of a shared buffer; the one it has already."""
        self._only("handle", "IMPORT")
        return self._handles.take(self._dma_buf(fd).dup())

    def sync(self, fd: int) -> int:
        """ION_IOC_SYNC: the whole buffer is cleaned once, for no device in particular.

        Attached or not, mapped or not. Returns what the model charges, in ns; an
        attachment's own state does not change.
        """
        self._only("handle", "SYNC")
        buffer, costs = self._dma_buf(fd), self.heaps.board.costs
        lines = -(-buffer.size // int(costs["line_bytes"].value))
        return round(
            costs["sync_call"].value
            + len(buffer.entries) * costs["sync_entry"].value
            + lines * costs["clean_line"].value
        )

    def heap_query(
        self, cnt: int | None = None, *, reserved: Sequence[int] = (0, 0, 0)
    ) -> tuple[HeapData, ...]:
        """ION_IOC_HEAP_QUERY with room for ``cnt`` heaps, those with high ids first.

        None is all of them: a program asks how many there are (a NULL pointer), then
        again. ``OSError(EINVAL)`` for no room and for anything in a reserved field.
        """
        if any(reserved):
            raise refusal(errno.EINVAL, f"ion: heap query, reserved {tuple(reserved)}")
        room = len(self.ids)
        if cnt is not None:
            room = arguments.integer("ion", "cnt", cnt, high=U32_MAX)
        if not room:
            raise refusal(errno.EINVAL, "ion: heap query with room for none")
        board = self.heaps.board
        found = [
            HeapData(name, rules.heap_type(board.heap(name), self.era), i)
            for name, i in self._by_id()
        ]
        return tuple(found[:room])

    def abi_version(self) -> int:
        """ION_IOC_ABI_VERSION, which only Android's kernels know."""
        self._only("android", "ABI_VERSION")
        return uapi.ABI_VERSION

    def _only(self, era: str, call: str) -> None:
        if self.era != era:
            what = f"ion: ION_IOC_{call} is of the {era} era, not {self.era}"
            raise refusal(errno.ENOTTY, what)

    def close(self) -> None:
        """Let every handle go; heaps that the client made are closed."""
        if self._own:
            self.heaps.close()
        self._handles.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        heaps = ", ".join(f"{name} {i}" for name, i in self._by_id())
        return f"<ion.Client, {self.era} era: {heaps}; {len(self._handles)} handles>"


def checked_ids(board: Board | None, ids: Mapping[str, int]) -> dict[str, int]:
    """``ids`` of heaps (of ``board``), each 0 to 31 and given once."""
    allowed = f"heap names with ids 0 to {uapi.NUM_HEAP_IDS - 1}, each id once"
    if not isinstance(ids, Mapping) or not ids:
        raise arguments.wrong("ion", "ids", ids, allowed)
    checked = {}
    for name, number in ids.items():
        high = uapi.NUM_HEAP_IDS - 1
        checked[name] = arguments.integer("ion", f"ids[{name!r}]", number, high=high)
        if board is not None and isinstance(board.heap(name), (PageLoad, UdmabufHeap)):
            allowed = "heaps, which a load and a memfd are not"
            raise arguments.wrong("ion", "ids", name, allowed)
    if len(set(checked.values())) < len(checked):
        raise arguments.wrong("ion", "ids", ids, allowed)
    return checked
