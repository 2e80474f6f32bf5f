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

from heapkit._ffi import PAGE_SIZE
from heapkit.backends.mmap_request import MAP_TYPE, Request
from heapkit.board import CmaHeap, Heap, SecureHeap, UdmabufHeap
from heapkit.errors import refusal


def refuse(
    asked: Request,
    *,
    size: int,
    mode: int,
    heap: Heap,
    entries: Sequence[int],
    noexec: bool = False,
) -> None:
    """``OSError`` as the kernel has it.

    ``mode`` is the file's O_ACCMODE, ``entries`` the sizes of the sg entries,
    ``noexec`` says that the file system of the buffers is SB_I_NOEXEC.
    """
    what = f"{heap.name}: mmap of {asked.length} bytes from {asked.offset}, of {size}"
    if not asked.length or asked.offset % PAGE_SIZE or not asked.flags & MAP_TYPE:
        raise refusal(errno.EINVAL, what)
    readable = mode in (os.O_RDONLY, os.O_RDWR)
    writes = asked.prot & mmap.PROT_WRITE and not asked.private
    if not readable or (writes and mode != os.O_RDWR):
        raise refusal(errno.EACCES, f"{what}: the file's access mode is {mode}")
    if noexec and asked.prot & mmap.PROT_EXEC:
        raise refusal(errno.EPERM, f"{what}: not to be executed")
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
