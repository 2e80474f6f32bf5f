# SPDX-License-Identifier: MIT
"""UDMABUF_CREATE: drivers/dma-buf/udmabuf.c, for a heap of memfds of a real kernel."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from functools import partial
from typing import Final

from heapkit import ioctls
from heapkit.conformance.check import Check, Group, NotCarried
from heapkit.conformance.structs import ALLOC, request_of
from heapkit.conformance.subject import Subject
from heapkit.units import MiB

_udmabuf = Group("udmabuf", source="udmabuf.c, udmabuf_create()", kinds=("udmabuf",))
_SIZE: Final = 64 * 1024
_ABOVE_LIMIT: Final = 65 * MiB  # of size_limit_mb=64


def _created(subject: Subject, asked: Mapping[str, int]) -> None:
    """Of a memfd of ``room`` bytes with these ``seals``."""
    _must_be_live(subject)
    size, offset = asked.get("size", _SIZE), asked.get("offset", 0)
    seals = asked.get("seals", fcntl.F_SEAL_SHRINK)
    flags = asked.get("flags", ioctls.UDMABUF_FLAGS_CLOEXEC)
    memfd = os.memfd_create("conformance", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.ftruncate(memfd, asked.get("room", _SIZE))
        fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, seals)
        _create(subject, memfd, flags, offset, size)
    finally:
        os.close(memfd)


def _no_memfd(subject: Subject) -> None:
    _must_be_live(subject)
    with open(os.devnull, "rb") as file:  # noqa: PTH123 -- a number is what is asked
        _create(subject, file.fileno(), 0, 0, _SIZE)


def _create(subject: Subject, memfd: int, flags: int, offset: int, size: int) -> None:
    argument = bytearray(ioctls.UDMABUF_CREATE_DATA.pack(memfd, flags, offset, size))
    subject.adopt(subject.heap.ioctl(ioctls.UDMABUF_CREATE, argument))


def _must_be_live(subject: Subject) -> None:
    if subject.backend == "sim":
        raise NotCarried("a simulated heap of memfds has no UDMABUF_CREATE")


def _alloc(subject: Subject) -> None:
    _must_be_live(subject)
    subject.heap.ioctl(ALLOC, request_of())


_ROWS: Final[dict[str, tuple[str, dict[str, int], str]]] = {
    "sealed": ("a memfd that cannot shrink becomes a buffer", {}, "ok"),
    "flags.bit_1": ("flag 1 is not looked at", {"flags": 2}, "ok"),
    "seals.none": ("a memfd that may shrink is refused", {"seals": 0}, "EINVAL"),
    "seals.write": (
        "a memfd that cannot be written is refused",
        {"seals": fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE},
        "EINVAL",
    ),
    "offset.unaligned": ("an offset within a page is refused", {"offset": 1}, "EINVAL"),
    "size.unaligned": ("no whole pages are refused", {"size": 4097}, "EINVAL"),
    "size.past_the_end": (
        "more than the memfd has is refused",
        {"size": _SIZE + 4096},
        "EINVAL",
    ),
    "size.zero": ("a size of 0 is refused", {"size": 0}, "EINVAL"),
    "size.above_limit": (
        "more than size_limit_mb is refused",
        {"size": _ABOVE_LIMIT, "room": _ABOVE_LIMIT},
        "EINVAL",
    ),
}

CHECKS: Final[tuple[Check, ...]] = (
    *(
        _udmabuf(
            name,
            title,
            f"UDMABUF_CREATE with {fields or 'a sealed memfd'}",
            answer,
            partial(_created, asked=fields),
        )
        for name, (title, fields, answer) in _ROWS.items()
    ),
    _udmabuf(
        "no_memfd",
        "another file is refused",
        "UDMABUF_CREATE of the null device",
        "EBADFD",
        _no_memfd,
    ),
    _udmabuf(
        "alloc",
        "a heap's ALLOC is unknown",
        "DMA_HEAP_IOCTL_ALLOC",
        "ENOTTY",
        _alloc,
        source="udmabuf.c, udmabuf_ioctl()",
    ),
)
