# SPDX-License-Identifier: MIT
"""How a heap takes a command apart: nr, size and direction, but never the type.

``dma_heap_ioctl()`` copies as many bytes as the command's number says, so that the
structs of older and newer kernels work; a struct that is too short loses the number of
a buffer that was allocated all the same.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from heapkit import ioctls
from heapkit.conformance.alloc import allocates
from heapkit.conformance.check import ALLOC_IOCTL, Group
from heapkit.conformance.structs import (
    ALLOC,
    ALLOCATION,
    PAGE,
    SYNC,
    TAIL,
    directed,
    fd_in,
    request_of,
    sized,
    sync,
    typed,
)
from heapkit.conformance.subject import Subject

_command = Group("command", source="dma-heap.c, dma_heap_ioctl()", needs=(ALLOC_IOCTL,))
_LOST = "ok 1 buffer, its number not told"


def takes_struct_of(subject: Subject, room: int) -> str | None:
    """Allocate with a struct of ``room`` bytes, whose tail has to stay as it is."""
    argument = request_of(room=room)
    subject.heap.ioctl(sized(ALLOC, room), argument)
    buffer = subject.adopt(fd_in(argument))
    if argument[ALLOCATION.size :].strip(TAIL):
        return "the tail was overwritten"
    return None if buffer.size == PAGE else f"{buffer.size} bytes"


def _lost(subject: Subject, command: int, argument: bytearray) -> str:
    """Allocate where the answer has no place for the number."""
    before = bytes(argument)
    new = subject.leaked(lambda: subject.heap.ioctl(command, argument))
    told = "not told" if bytes(argument) == before else "told"
    return f"{len(new)} buffer, its number {told}"


_structs = [
    _command(
        f"struct.{room}",
        f"a struct of {room} bytes is taken, and its tail kept",
        f"ALLOC with size {room} in the command, and as large a struct",
        "ok",
        partial(takes_struct_of, room=room),
    )
    for room in (16, 20, 24, 32, 48, 64, 256)
]

CHECKS: Final = (
    *_structs,
    _command(
        "struct.8",
        "a struct of 8 bytes allocates and loses the descriptor",
        "ALLOC with size 8 in the command; which numbers are open then?",
        _LOST,
        lambda s: _lost(s, sized(ALLOC, 8), request_of(room=8)),
    ),
    _command(
        "direction.none",
        "a command without a direction brings no length",
        "ALLOC with neither _IOC_WRITE nor _IOC_READ",
        "EINVAL",
        partial(allocates, command=directed(ALLOC, ioctls.NONE)),
    ),
    _command(
        "direction.read",
        "a command that only reads brings no length",
        "ALLOC with _IOC_READ alone",
        "EINVAL",
        partial(allocates, command=directed(ALLOC, ioctls.READ)),
    ),
    _command(
        "direction.write",
        "a command that only writes loses the descriptor",
        "ALLOC with _IOC_WRITE alone; which numbers are open then?",
        _LOST,
        lambda s: _lost(s, directed(ALLOC, ioctls.WRITE), request_of()),
    ),
    _command(
        "nr",
        "a heap knows one ioctl",
        "ALLOC with nr 1",
        "EINVAL",
        partial(allocates, command=ALLOC + 1),
    ),
    _command(
        "type",
        "the type of a command is not looked at",
        "ALLOC with type 'I' instead of 'H'",
        "ok",
        partial(allocates, command=typed(ALLOC, "I")),
    ),
    _command(
        "sync",
        "a heap takes DMA_BUF_IOCTL_SYNC for an allocation",
        "DMA_BUF_IOCTL_SYNC on the heap; which numbers are open then?",
        _LOST,
        lambda s: _lost(s, SYNC, sync(3)),
    ),
)
