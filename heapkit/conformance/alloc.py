# SPDX-License-Identifier: MIT
"""What DMA_HEAP_IOCTL_ALLOC refuses, and what its buffers are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import Final

from heapkit import ioctls
from heapkit.conformance.check import (
    ACCESS_MODES,
    ALLOC_IOCTL,
    Answer,
    Check,
    Group,
    error_name,
)
from heapkit.conformance.structs import (
    ALLOC,
    PAGE,
    RDWR,
    directed,
    fd_in,
    request_of,
    size_in,
)
from heapkit.conformance.subject import Subject

FAR_TOO_MUCH: Final = 1 << 40
_MODES: Final = {os.O_RDONLY: "O_RDONLY", os.O_WRONLY: "O_WRONLY", os.O_RDWR: "O_RDWR"}
_alloc = Group(
    "alloc", source="dma-heap.c, dma_heap_ioctl_allocate()", needs=(ALLOC_IOCTL,)
)


def allocates(
    subject: Subject, command: int = ALLOC, fields: Mapping[str, int] | None = None
) -> None:
    """Allocate; the number in the answer has to be that of a buffer of a page."""
    argument = request_of(**(fields or {}))
    subject.heap.ioctl(command, argument)
    buffer = subject.adopt(fd_in(argument))
    if buffer.size != PAGE:
        raise RuntimeError(f"the buffer has {buffer.size} bytes")


def _mode(subject: Subject, mode: int) -> str:
    argument = request_of(fd_flags=mode)
    subject.heap.ioctl(ALLOC, argument)
    found = subject.adopt(fd_in(argument)).fd_flags
    return _MODES.get(found, str(found))


def _close_on_exec(subject: Subject, fd_flags: int) -> str:
    argument = request_of(fd_flags=fd_flags)
    subject.heap.ioctl(ALLOC, argument)
    buffer = subject.adopt(fd_in(argument))
    return "closes on exec" if buffer.close_on_exec else "stays open on exec"


def _size(subject: Subject, size: int) -> int:
    return int(subject.allocate(size).size)


def _size_told(subject: Subject) -> int:
    argument = request_of(size=5000)
    subject.heap.ioctl(ALLOC, argument)
    subject.adopt(fd_in(argument))
    return size_in(argument)


def _kept(subject: Subject) -> str:
    """Whether zeroes come back where no length was brought."""
    argument = request_of()
    try:
        subject.heap.ioctl(directed(ALLOC, ioctls.READ), argument)
    except OSError as error:
        told = "the same" if argument == request_of() else "overwritten"
        return Answer(f"{error_name(error)}, the struct is {told}")
    return "allocated"


def _no_place(subject: Subject, size: int) -> str:
    """Whether a buffer stays of which nobody could be told."""
    argument = bytes(request_of(size=size))
    before = subject.numbers()
    try:
        subject.leaked(lambda: subject.heap.ioctl(ALLOC, argument))
    except OSError as error:
        more = len(subject.numbers() - before)
        return Answer(f"{error_name(error)}, {more} buffers more")
    return "written into read-only memory"


def _no_number(subject: Subject) -> None:
    with subject.no_number_left():
        subject.heap.ioctl(ALLOC, request_of())


def _opened_as(subject: Subject, flags: int) -> None:
    import fcntl

    argument = request_of()
    fcntl.ioctl(subject.reopened(flags), ALLOC, argument)
    subject.adopt(fd_in(argument))


_REFUSED = {
    "len.zero": ("a length of 0", {"size": 0}),
    "len.wraps": ("a length that wraps when it is rounded up", {"size": 2**64 - 1}),
    "len.wraps_just": ("the least length that wraps", {"size": 2**64 - 4095}),
    "fd.one": ("a struct that brings a descriptor", {"fd": 1}),
    "fd.minus_one": ("a struct with fd -1", {"fd": 0xFFFFFFFF}),
    "heap_flags.bit_0": ("heap flag 0", {"heap_flags": 1}),
    "heap_flags.bit_63": ("heap flag 63", {"heap_flags": 1 << 63}),
    "fd_flags.nonblock": ("O_NONBLOCK", {"fd_flags": RDWR | os.O_NONBLOCK}),
    "fd_flags.bit_31": ("bit 31 of fd_flags", {"fd_flags": 1 << 31}),
}
_refused = [
    _alloc(
        name,
        f"{what} is refused",
        f"ALLOC with {', '.join(f'{k}={v:#x}' for k, v in fields.items())}",
        "EINVAL",
        partial(allocates, fields=fields),
    )
    for name, (what, fields) in _REFUSED.items()
]
_modes = [
    _alloc(
        f"fd_flags.{name}",
        f"the file's access mode is the {text} asked for",
        f"ALLOC with fd_flags={mode}, then fcntl(F_GETFL)",
        f"ok {text}",
        partial(_mode, mode=mode),
        needs=(ALLOC_IOCTL, ACCESS_MODES),
    )
    for name, mode, text in (
        ("rdonly", os.O_RDONLY, "O_RDONLY"),
        ("wronly", os.O_WRONLY, "O_WRONLY"),
        ("rdwr", os.O_RDWR, "O_RDWR"),
        ("accmode_3", 3, "3"),
    )
]
_close = [
    _alloc(
        f"cloexec.{name}",
        f"a descriptor {what}",
        f"ALLOC with fd_flags={flags:#x}, then fcntl(F_GETFD)",
        f"ok {answer}",
        partial(_close_on_exec, fd_flags=flags),
    )
    for name, what, flags, answer in (
        ("asked", "asked to close on exec does", RDWR, "closes on exec"),
        ("not_asked", "not asked to does not", os.O_RDWR, "stays open on exec"),
    )
]
_sizes = [
    _alloc(
        f"size.{size}",
        f"{size} bytes become {rounded}",
        f"allocate {size} bytes, ask for the buffer's size",
        f"ok {rounded}",
        partial(_size, size=size),
        source="dma-heap.c, dma_heap_buffer_alloc()",
    )
    for size, rounded in (
        (1, PAGE),
        (PAGE, PAGE),
        (PAGE + 1, 2 * PAGE),
        (2**20 + 1, 2**20 + PAGE),
    )
]
_opened = [
    _alloc(
        f"heap_opened.{name}",
        f"a heap opened {text} allocates",
        f"open the heap {text}, ALLOC",
        "ok",
        partial(_opened_as, flags=flags),
        source="dma-heap.c, dma_heap_open()",
    )
    for name, flags, text in (
        ("rdonly", os.O_RDONLY, "O_RDONLY"),
        ("wronly", os.O_WRONLY, "O_WRONLY"),
    )
]
_others = [
    _alloc(
        "size.in_the_answer",
        "the length in the answer is not rounded",
        "ALLOC with len=5000, read len again",
        "ok 5000",
        _size_told,
    ),
    _alloc(
        "arg.null",
        "NULL is no struct",
        "ALLOC with NULL",
        "EFAULT",
        lambda s: s.heap.ioctl(ALLOC, None),
    ),
    _alloc(
        "arg.short",
        "a struct that is not all there is a fault",
        "ALLOC with 23 bytes before a page without access",
        "EFAULT",
        lambda s: s.heap.ioctl(ALLOC, request_of(room=23)),
    ),
    _alloc(
        "arg.read_only",
        "an answer without a place is a fault, and no buffer stays",
        "ALLOC with a struct that cannot be written; which numbers are open then?",
        "EFAULT, 0 buffers more",
        partial(_no_place, size=PAGE),
        source="dma-heap.c, dma_heap_ioctl()",
    ),
    _alloc(
        "arg.read_only_and_wrong",
        "a request that is refused has no answer to be written",
        "ALLOC of 0 bytes with a struct that cannot be written",
        "EINVAL, 0 buffers more",
        partial(_no_place, size=0),
        source="dma-heap.c, dma_heap_ioctl()",
    ),
    _alloc(
        "arg.kept",
        "a request that is refused stays as it is",
        "ALLOC with _IOC_READ alone, which brings no length; read the struct",
        "EINVAL, the struct is the same",
        _kept,
        source="dma-heap.c, dma_heap_ioctl()",
    ),
    _alloc(
        "number.none_left",
        "without a free number nothing is allocated",
        "ALLOC at RLIMIT_NOFILE",
        "EMFILE",
        _no_number,
        source="dma-heap.c, dma_heap_bufferfd_alloc()",
    ),
]
_oversized = Check(
    id="alloc.len.too_large",
    title="more than there is wakes the OOM killer",
    did="ALLOC of 1 TiB, in a child with oom_score_adj=1000",
    source="system_heap.c, system_heap_allocate()",
    expected="killed by SIGKILL",
    ask=lambda s: s.ask_for_everything(FAR_TOO_MUCH),
    needs=(ALLOC_IOCTL,),
    dangerous=True,
)

CHECKS: Final = (*_refused, *_modes, *_close, *_sizes, *_opened, *_others, _oversized)
