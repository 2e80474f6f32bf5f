# SPDX-License-Identifier: MIT
"""Which mmap(2) of a dma-buf the kernel refuses, in the order in which it looks.

mm/mmap.c and dma_buf_mmap_internal(); the heaps' own rules are those of
system_heap.c, which maps entry by entry, and of cma_heap.c and udmabuf.c, which want
VM_SHARED.
"""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Sequence
from dataclasses import dataclass

from heapkit import arguments
from heapkit._ffi import PAGE_SIZE
from heapkit.board import CmaHeap, Heap, SecureHeap, UdmabufHeap
from heapkit.errors import refusal

READ_WRITE = mmap.PROT_READ | mmap.PROT_WRITE
_PROT = READ_WRITE | mmap.PROT_EXEC
_TYPE = mmap.MAP_SHARED | mmap.MAP_PRIVATE
_FLAGS = _TYPE | mmap.MAP_POPULATE


@dataclass(frozen=True)
class Request:
    """The arguments of mmap(2), checked to be numbers of its types."""

    length: int
    flags: int
    prot: int
    offset: int

    @property
    def private(self) -> bool:
        """MAP_PRIVATE; with both bits it is MAP_SHARED_VALIDATE."""
        return self.flags & _TYPE == mmap.MAP_PRIVATE

    @property
    def end(self) -> int:
        """Where the mapped pages end in the buffer."""
        return self.offset + -(-self.length // PAGE_SIZE) * PAGE_SIZE


def request(owner: str, length: int, flags: int, prot: int, offset: int) -> Request:
    """The arguments; ``ValueError`` for what mmap(2) cannot be given here."""
    length = arguments.integer(owner, "length", length, high=arguments.U64_MAX)
    offset = arguments.integer(owner, "offset", offset, high=arguments.U64_MAX)
    for name, value, known in (("flags", flags, _FLAGS), ("prot", prot, _PROT)):
        arguments.integer(owner, name, value, high=2**32 - 1)
        if value & ~known:
            allowed = f"bits of {known:#x}: a file is mapped, wherever there is room"
            raise arguments.wrong(owner, name, value, allowed)
    return Request(length, flags, prot, offset)


def refuse(
    asked: Request, *, size: int, mode: int, heap: Heap, entries: Sequence[int]
) -> None:
    """``OSError`` as the kernel has it.

    ``mode`` is the file's O_ACCMODE, ``entries`` the sizes of the sg entries.
    """
    what = f"{heap.name}: mmap of {asked.length} bytes from {asked.offset}, of {size}"
    if not asked.length or asked.offset % PAGE_SIZE or not asked.flags & _TYPE:
        raise refusal(errno.EINVAL, what)
    readable = mode in (os.O_RDONLY, os.O_RDWR)
    writes = asked.prot & mmap.PROT_WRITE and not asked.private
    if not readable or (writes and mode != os.O_RDWR):
        raise refusal(errno.EACCES, f"{what}: the file's access mode is {mode}")
    if isinstance(heap, SecureHeap):
        raise refusal(errno.EINVAL, f"{what}: a secure buffer")
    if asked.end > size:
        raise refusal(errno.EINVAL, what)
    if asked.private:
        _refuse_private(asked, what, heap, entries)


def _refuse_private(
    asked: Request, what: str, heap: Heap, entries: Sequence[int]
) -> None:
    """remap_pfn_range() makes a copy-on-write mapping in one piece or not at all."""
    in_chunks = isinstance(heap, CmaHeap) and heap.chunk is not None
    if isinstance(heap, (CmaHeap, UdmabufHeap)) and not in_chunks:
        raise refusal(errno.EINVAL, f"{what}: mappings of it are shared")
    start = 0
    for entry in entries:
        if start <= asked.offset and asked.end <= start + entry:
            return
        start += entry
    raise refusal(errno.EINVAL, f"{what}: private, over more than one entry")


def view(memory: mmap.mmap, asked: Request) -> memoryview:
    """The mapping; a private one is a copy, one without PROT_WRITE is read-only."""
    part = memoryview(memory)[asked.offset : asked.offset + asked.length]
    if asked.private:
        part = memoryview(bytearray(part))
    return part if asked.prot & mmap.PROT_WRITE else part.toreadonly()
