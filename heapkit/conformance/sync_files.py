# SPDX-License-Identifier: MIT
"""Fences out of a buffer and into it: CONFIG_SYNC_FILE."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from heapkit import ioctls
from heapkit.conformance.check import Group
from heapkit.conformance.files import poll_text
from heapkit.conformance.subject import Subject

_EXPORT: Final = ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE
_IMPORT: Final = ioctls.DMA_BUF_IOCTL_IMPORT_SYNC_FILE
_out = Group("sync_file.export", source="dma-buf.c, dma_buf_export_sync_file()")
_in = Group("sync_file.import", source="dma-buf.c, dma_buf_import_sync_file()")
_ACCESS: Final = {1: "reading", 2: "writing", 3: "both"}


def _exported(subject: Subject, flags: int) -> None:
    """By the ioctl; the number in the answer is closed again."""
    argument = bytearray(ioctls.SYNC_FILE_DATA.pack(flags, -1))
    buffer = subject.allocate()
    subject.leaked(lambda: buffer.ioctl(_EXPORT, argument))


def _export_null(subject: Subject) -> None:
    subject.allocate().ioctl(_EXPORT, None)


def _sync_file(subject: Subject, buffer: Any) -> Any:
    return subject.keep(buffer.export_sync_file("rw"))


def _imported(subject: Subject, flags: int) -> None:
    buffer = subject.allocate()
    number = _sync_file(subject, buffer).fd
    buffer.ioctl(_IMPORT, ioctls.SYNC_FILE_DATA.pack(flags, number))


def _imported_number(subject: Subject, number: int) -> None:
    subject.allocate().ioctl(_IMPORT, ioctls.SYNC_FILE_DATA.pack(3, number))


def _imported_buffer(subject: Subject) -> None:
    _imported_number(subject, subject.allocate().fd)


def _ready(subject: Subject) -> str:
    return poll_text(_sync_file(subject, subject.allocate()).poll())


_exports = [
    _out(
        f"flags.{flags}",
        f"what {what} waits for can be had as a file",
        f"EXPORT_SYNC_FILE with flags {flags}",
        "ok",
        partial(_exported, flags=flags),
    )
    for flags, what in _ACCESS.items()
]
_no_exports = [
    _out(
        f"flags.{flags}",
        f"flags {flags} are refused",
        f"EXPORT_SYNC_FILE with flags {flags}",
        "EINVAL",
        partial(_exported, flags=flags),
    )
    for flags in (0, 4)
]
_imports = [
    _in(
        f"flags.{flags}",
        f"a fence can be put in for {what}",
        f"EXPORT_SYNC_FILE, then IMPORT_SYNC_FILE with flags {flags}",
        "ok",
        partial(_imported, flags=flags),
    )
    for flags, what in _ACCESS.items()
]
_no_imports = [
    _in(
        f"flags.{flags}",
        f"flags {flags} are refused",
        f"EXPORT_SYNC_FILE, then IMPORT_SYNC_FILE with flags {flags}",
        "EINVAL",
        partial(_imported, flags=flags),
    )
    for flags in (0, 4)
]

CHECKS: Final = (
    *(*_exports, *_no_exports),
    _out(
        "arg.null",
        "NULL is no struct",
        "EXPORT_SYNC_FILE with NULL",
        "EFAULT",
        _export_null,
    ),
    _out(
        "idle",
        "without work there is nothing to wait for",
        "EXPORT_SYNC_FILE of an idle buffer, then poll(2)",
        "ok POLLIN",
        _ready,
        source="dma-fence.c, dma_fence_get_stub()",
    ),
    *(*_imports, *_no_imports),
    _in(
        "fd.minus_one",
        "a number that is not open is refused",
        "IMPORT_SYNC_FILE with fd -1",
        "EINVAL",
        partial(_imported_number, number=-1),
    ),
    _in(
        "fd.buffer",
        "a file that is no sync file is refused",
        "IMPORT_SYNC_FILE with the descriptor of a buffer",
        "EINVAL",
        _imported_buffer,
    ),
)
