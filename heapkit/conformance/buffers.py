# SPDX-License-Identifier: MIT
"""What a buffer answers to its ioctls: SYNC, SET_NAME, and any other number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Final

from heapkit import ioctls, uapi
from heapkit.conformance.check import ACCESS_MODES, Group
from heapkit.conformance.structs import ALLOC, SYNC, request_of, sized, sync
from heapkit.conformance.subject import Subject

_sync = Group("sync", source="dma-buf.c, dma_buf_ioctl()")
_name = Group("name", source="dma-buf.c, dma_buf_set_name()")
_LONGEST: Final = b"n" * (uapi.DMA_BUF_NAME_LEN - 1)
_SET_NAME: Final = uapi.DMA_BUF_SET_NAME_B


def _syncs(subject: Subject, flags: Sequence[int], fd_flags: int | None = None) -> None:
    if fd_flags is None:
        buffer = subject.allocate()
    else:
        buffer = subject.allocate(fd_flags=fd_flags)
    for one in flags:
        buffer.ioctl(SYNC, sync(one))


def _syncs_with(subject: Subject, argument: bytearray | None) -> None:
    subject.allocate().ioctl(SYNC, argument)


def _unknown(subject: Subject, command: int) -> None:
    subject.allocate().ioctl(command, request_of())


def _named(subject: Subject, names: Sequence[bytes], command: int = _SET_NAME) -> str:
    buffer = subject.allocate()
    for name in names:
        buffer.ioctl(command, name + b"\0")
    return repr(buffer.name)


def _named_elsewhere(subject: Subject) -> str:
    buffer = subject.allocate()
    other = subject.keep(buffer.dup())
    other.ioctl(_SET_NAME, b"shared\0")
    return repr(buffer.name)


_ways = [
    _sync(
        f"{edge}.{way}",
        f"CPU access for {way} may {edge}",
        f"SYNC with flags {flags | bit}",
        "ok",
        partial(_syncs, flags=(flags | bit,)),
    )
    for edge, bit in (("start", 0), ("end", 4))
    for way, flags in (("reading", 1), ("writing", 2), ("both", 3))
]
_refused = [
    _sync(
        f"flags.{name}",
        f"{what} are refused",
        f"SYNC with flags {flags:#x}",
        "EINVAL",
        partial(_syncs, flags=(flags,)),
    )
    for name, what, flags in (
        ("none", "flags without a direction", 0),
        ("end_only", "flags with END alone", 4),
        ("bit_3", "flags with bit 3", 8 | 1),
        ("bit_63", "flags with bit 63", 1 << 63 | 1),
    )
]
_unpaired = [
    _sync(
        f"unpaired.{name}",
        f"nobody pairs the calls: {what}",
        f"SYNC with flags {', then '.join(map(str, flags))}",
        "ok",
        partial(_syncs, flags=flags),
    )
    for name, what, flags in (
        ("start_twice", "START twice", (3, 3)),
        ("end_twice", "END twice", (3, 7, 7)),
        ("other_direction", "END for another direction", (1, 6)),
    )
]
_others = [
    _sync(
        "read_only_file",
        "a buffer that is read only may be synced for writing",
        "ALLOC with O_RDONLY, SYNC with flags 3, then 7",
        "ok",
        partial(_syncs, flags=(3, 7), fd_flags=os.O_RDONLY),
        needs=(ACCESS_MODES,),
    ),
    _sync(
        "arg.null",
        "NULL is no struct",
        "SYNC with NULL",
        "EFAULT",
        partial(_syncs_with, argument=None),
    ),
    _sync(
        "arg.short",
        "a struct that is not all there is a fault",
        "SYNC with 7 bytes before a page without access",
        "EFAULT",
        partial(_syncs_with, argument=bytearray(7)),
    ),
]
_unknowns = [
    _sync(
        f"command.{name}",
        f"a buffer compares the whole command: {what}",
        f"ioctl {command:#010x} on the buffer",
        "ENOTTY",
        partial(_unknown, command=command),
    )
    for name, what, command in (
        ("nr_99", "nr 99 is unknown", SYNC + 99),
        ("size_16", "SYNC with another size is unknown", sized(SYNC, 16)),
        ("alloc", "a heap's ALLOC is unknown", ALLOC),
    )
]
_names = [
    _name(
        f"{prefix}{name}",
        f"{what}{by}",
        f"ioctl {command:#010x} with {len(text)} bytes and a NUL",
        expected,
        partial(_named, names=(text,), command=command),
    )
    for prefix, by, command in (
        ("", "", _SET_NAME),
        ("a.", ", by the 32-bit number too", ioctls.DMA_BUF_SET_NAME_A),
    )
    for name, what, text, expected in (
        ("longest", "31 bytes are a name", _LONGEST, f"ok {_LONGEST.decode()!r}"),
        ("too_long", "32 bytes are no name", _LONGEST + b"n", "EINVAL"),
    )
]

CHECKS: Final = (
    *(*_ways, *_refused, *_unpaired, *_others, *_unknowns, *_names),
    _name(
        "empty",
        "an empty name takes the last one away",
        'SET_NAME "before", then ""',
        "ok ''",
        partial(_named, names=(b"before", b"")),
    ),
    _name(
        "again",
        "a buffer may be named again",
        'SET_NAME "before", then "after"',
        "ok 'after'",
        partial(_named, names=(b"before", b"after")),
    ),
    _name(
        "shared",
        "the name is the buffer's, not the descriptor's",
        'dup, SET_NAME "shared" of one, read the name of the other',
        "ok 'shared'",
        _named_elsewhere,
    ),
    _name(
        "arg.null",
        "NULL is no name",
        "SET_NAME with NULL",
        "EFAULT",
        lambda s: s.allocate().ioctl(_SET_NAME, None),
    ),
)
