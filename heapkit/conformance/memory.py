# SPDX-License-Identifier: MIT
"""What a buffer's memory does: zeroed, shared, and there as long as it is mapped."""

from __future__ import annotations

import mmap
import os
from functools import partial
from pathlib import Path
from typing import Any, Final

from heapkit.conformance.check import CPU_ACCESS, Answer, Group
from heapkit.conformance.subject import Subject
from heapkit.errors import refusal

_memory = Group("memory", source="system_heap.c, cma_heap.c", needs=(CPU_ACCESS,))
_SIZE: Final = 128 * 1024


def _fresh(subject: Subject) -> str:
    return "zero" if not any(subject.allocate(_SIZE).mmap()) else "not zero"


def _outlives(subject: Subject) -> Any:
    buffer = subject.allocate()
    view = buffer.mmap()
    view[7] = 42
    buffer.close()
    return view[7]


def _listed_while_mapped(subject: Subject) -> str:
    buffer = subject.allocate()
    inode, view = buffer.ino, buffer.mmap()
    subject.descriptor(buffer)
    buffer.close()
    listed = [row.inode for row in subject.bufinfo()]
    view.release()
    return "listed" if inode in listed else "not listed"


def _two_mappings(subject: Subject) -> Any:
    buffer = subject.allocate()
    buffer.mmap()[4095] = 7
    return buffer.mmap()[4095]


def _by_dup(subject: Subject) -> Any:
    buffer = subject.allocate()
    other = subject.keep(buffer.dup())
    buffer.mmap()[0] = 9
    return other.mmap()[0]


def _by_fork(subject: Subject) -> Any:
    view = subject.allocate().mmap()
    child = os.fork()
    if child == 0:
        view[0] = 5
        os._exit(0)
    os.waitpid(child, 0)
    return view[0]


def _between_buffers(subject: Subject) -> Any:
    one, other = subject.allocate(), subject.allocate()
    one.mmap()[0] = 1
    return other.mmap()[0]


# --- The process's view of it: where a mapping is the kernel's -----------------


def _mapped(subject: Subject) -> tuple[Any, memoryview]:
    buffer = subject.allocate()
    subject.descriptor(buffer)
    view: memoryview = buffer.mmap()
    return view.obj, view


def _advised(subject: Subject, advice: tuple[int, ...]) -> None:
    mapping, view = _mapped(subject)
    try:
        for one in advice:
            mapping.madvise(one)
    finally:
        view.release()


def _proc_mem(subject: Subject) -> None:
    mapping, view = _mapped(subject)
    address = subject.address(mapping)
    fd = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        os.pread(fd, 16, address)
    finally:
        os.close(fd)
        view.release()


def _mlock(subject: Subject) -> None:
    import ctypes

    mapping, view = _mapped(subject)
    libc = ctypes.CDLL(None, use_errno=True)
    address, length = ctypes.c_void_p(subject.address(mapping)), ctypes.c_size_t(4096)
    failed = libc.mlock(address, length)
    view.release()
    if failed:
        raise refusal(ctypes.get_errno(), f"{subject.name}: mlock")


def _written_from(subject: Subject) -> None:
    """write(2) copies from the mapping as any program does."""
    _, view = _mapped(subject)
    reader, writer = os.pipe()
    try:
        os.write(writer, view[:512])
    finally:
        os.close(reader)
        os.close(writer)
        view.release()


def _maps_line(subject: Subject) -> str | Answer:
    mapping, view = _mapped(subject)
    start = f"{subject.address(mapping):08x}-"
    lines = Path("/proc/self/maps").read_text().splitlines()
    view.release()
    line = next((line for line in lines if line.lstrip("0").startswith(start)), None)
    if line is None:
        return Answer("not in maps")
    fields = line.split()
    return f"{fields[1]} {fields[-1]}"


_ADVICE: Final = {
    "dontneed": ("forgetting its pages", ("MADV_DONTNEED",), "EINVAL"),
    "hugepage": ("huge pages", ("MADV_HUGEPAGE",), "ok"),
    "dontfork": ("leaving it out of children", ("MADV_DONTFORK",), "ok"),
    "dofork": (
        "leaving it out and taking it in again",
        ("MADV_DONTFORK", "MADV_DOFORK"),
        "EINVAL",
    ),
    "remove": ("freeing its pages", ("MADV_REMOVE",), "ENODEV"),
}
_advice = [
    _memory(
        f"madvise.{name}",
        f"a mapping {'may' if answer == 'ok' else 'may not'} be advised of {what}",
        f"mmap, madvise {', then '.join(names)}",
        answer,
        partial(_advised, advice=tuple(getattr(mmap, one) for one in names)),
        source="mm/madvise.c",
    )
    for name, (what, names, answer) in _ADVICE.items()
]

CHECKS: Final = (
    _memory(
        "fresh", "a new buffer is zero", "allocate 128 KiB, read it", "ok zero", _fresh
    ),
    _memory(
        "outlives.close",
        "a mapping outlives the buffer's descriptor",
        "map, write 42, close, read",
        "ok 42",
        _outlives,
        source="mm/mmap.c",
    ),
    _memory(
        "outlives.listed",
        "debugfs lists a buffer as long as it is mapped",
        "map, close, find its inode in bufinfo",
        "ok listed",
        _listed_while_mapped,
        source="dma-buf.c, dma_buf_debug_show()",
    ),
    _memory(
        "shared.mappings",
        "two mappings are the same memory",
        "map twice, write 7 to one, read the other",
        "ok 7",
        _two_mappings,
    ),
    _memory(
        "shared.dup",
        "a dup is the same memory",
        "dup, map both, write 9 to one, read the other",
        "ok 9",
        _by_dup,
    ),
    _memory(
        "shared.fork",
        "a child's mapping is the same memory",
        "map, fork, let the child write 5, read",
        "ok 5",
        _by_fork,
        source="mm/memory.c, vma_needs_copy()",
    ),
    _memory(
        "apart",
        "two buffers share nothing",
        "allocate two, write to one, read the other",
        "ok 0",
        _between_buffers,
    ),
    _memory(
        "proc_mem",
        "the mapping is no memory to debuggers",
        "pread from /proc/self/mem at the mapping",
        "EIO",
        _proc_mem,
        source="mm/gup.c, check_vma_flags(): VM_IO | VM_PFNMAP",
    ),
    _memory(
        "written_from",
        "write(2) copies out of the mapping",
        "map, write 512 bytes of it to a pipe",
        "ok",
        _written_from,
    ),
    _memory(
        "maps",
        "/proc/self/maps has the mapping",
        "map, find its line",
        "ok rw-s /dmabuf:",
        _maps_line,
        source="dma-buf.c, dmabuffs_dname()",
    ),
    _memory(
        "mlock",
        "a mapping may be locked, and stays as it is",
        "mmap, mlock",
        "ok",
        _mlock,
        source="mm/mlock.c, mlock_fixup(): VM_SPECIAL",
    ),
    *_advice,
)
