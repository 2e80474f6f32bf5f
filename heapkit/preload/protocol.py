# SPDX-License-Identifier: MIT
"""The packets between a program's side and the server: native/preload/wire.h."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

MAGIC: Final = 0x31706B68  # "hkp1"
DATA: Final = 32  # bytes of an argument: a name with its NUL is the longest
# What the file of a node has for a mode, and nothing else has.
NODE_MODE: Final = 0o1600
REQUEST: Final = struct.Struct(f"=IIQQ4Q{DATA}s")
REPLY: Final = struct.Struct(f"=iIQ4Q{DATA}s")

# A file by its device and inode number, which fstat() tells in any process.
Key: TypeAlias = tuple[int, int]


class Kind(IntEnum):
    """What a node stands for."""

    HEAP = 1
    BUFFER = 2
    SYNC_FILE = 3


class Call(IntEnum):
    """What a program's side asks."""

    IDENTIFY = 1
    ALLOC = 2
    IOCTL = 3
    MMAP = 4
    MUNMAP = 5
    CLOSED = 6


class Request(NamedTuple):
    """A question about the node of that key."""

    call: Call
    key: Key
    args: tuple[int, int, int, int]
    data: bytes


class Reply(NamedTuple):
    """An answer: 0 or -errno, and what was asked for; ``file`` is sent along."""

    status: int = 0
    sleep_ns: int = 0
    values: tuple[int, ...] = ()
    data: bytes = b""
    file: int | None = None


def parse(packet: bytes) -> Request:
    """The request; ``ValueError`` for a packet that is none."""
    if len(packet) != REQUEST.size:
        raise ValueError(f"packet: {len(packet)} bytes; allowed: {REQUEST.size}")
    magic, call, dev, ino, *args, data = REQUEST.unpack(packet)
    if magic != MAGIC:
        raise ValueError(f"packet: magic {magic:#x}; allowed: {MAGIC:#x}")
    a, b, c, d = args
    return Request(Call(call), (dev, ino), (a, b, c, d), data)


def packed(reply: Reply) -> bytes:
    """The reply as a packet, without its file."""
    values = (*reply.values, 0, 0, 0, 0)[:4]
    return REPLY.pack(reply.status, 0, reply.sleep_ns, *values, reply.data)
