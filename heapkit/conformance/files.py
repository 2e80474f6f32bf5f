# SPDX-License-Identifier: MIT
"""What read(2) and the others do to a heap and to a buffer."""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from heapkit.conformance.check import Group, flags_text
from heapkit.conformance.subject import Subject
from heapkit.errors import refusal

_heap = Group("heap", source="dma-heap.c, dma_heap_fops")
_file = Group("file", source="dma-buf.c, dma_buf_fops")
_EVENTS: Final = ((select.POLLIN, "POLLIN"), (select.POLLOUT, "POLLOUT"))
_READY: Final = "ok POLLIN|POLLOUT"
_SIZE: Final = 8192


def poll_text(events: int) -> str:
    """As in "POLLIN|POLLOUT"; what has no name is a number."""
    return flags_text(events, _EVENTS)


def _on_heap(subject: Subject, use: str) -> None:
    getattr(subject.heap, use)()


def _on_buffer(subject: Subject, use: str) -> None:
    getattr(subject.allocate(), use)()


def _lseek(subject: Subject, offset: int, whence: int) -> int:
    return int(subject.allocate(_SIZE).lseek(offset, whence))


def _closed(subject: Subject) -> None:
    buffer = subject.allocate()
    buffer.close()
    buffer.lseek(0, os.SEEK_END)


def _inodes(subject: Subject) -> str:
    one, other = subject.allocate(), subject.allocate()
    same = subject.keep(one.dup())
    if one.ino != same.ino:
        return "a dup has another inode"
    return "rising" if one.ino < other.ino else "not rising"


def _duplicate(subject: Subject) -> int:
    buffer = subject.allocate(_SIZE)
    other = subject.keep(buffer.dup())
    buffer.close()
    return int(other.lseek(0, os.SEEK_END))


def _exporter(subject: Subject) -> str:
    told = subject.allocate().exp_name
    return "the heap's name" if told == subject.name else repr(told)


def _passed(subject: Subject) -> int:
    """Through a unix socket; what arrives is another number for the same file."""
    import socket

    ours, theirs = socket.socketpair()
    with ours, theirs:
        buffer = subject.allocate(_SIZE)
        buffer.send(ours)
        buffer.close()
        return int(subject.received(theirs).lseek(0, os.SEEK_END))


def _stat(subject: Subject, tell: Callable[[os.stat_result], str]) -> str:
    return tell(os.fstat(subject.descriptor(subject.allocate(_SIZE))))


def _link(subject: Subject, name: str) -> str:
    buffer = subject.allocate()
    fd = subject.descriptor(buffer)
    buffer.set_name(name)
    return str(Path(f"/proc/self/fd/{fd}").readlink())


def _fdinfo(subject: Subject, key: str, name: str = "") -> str:
    buffer = subject.allocate(_SIZE)
    if name:
        buffer.set_name(name)
    text = Path(f"/proc/self/fdinfo/{subject.descriptor(buffer)}").read_text()
    fields = dict(line.partition(":\t")[::2] for line in text.splitlines())
    return fields.get(key, "no such line")


def _bufinfo(subject: Subject) -> str:
    buffer = subject.allocate(_SIZE)
    subject.descriptor(buffer)
    rows = subject.bufinfo()
    row: Any = next((row for row in rows if row.inode == buffer.ino), None)
    if row is None:
        raise refusal(errno.ENOENT, f"inode {buffer.ino} is not in bufinfo")
    return f"{row.size} {'heap' if row.exp_name == subject.name else row.exp_name}"


_heap_uses = [
    _heap(use, f"a heap is no file to {use}", f"{use} on the heap", answer, ask)
    for use, answer, ask in (
        ("read", "EINVAL", partial(_on_heap, use="read")),
        ("write", "EINVAL", partial(_on_heap, use="write")),
        ("lseek", "ESPIPE", partial(_on_heap, use="lseek")),
        ("mmap", "ENODEV", partial(_on_heap, use="mmap")),
    )
]
_buffer_uses = [
    _file(
        use,
        f"a buffer is no file to {use}",
        f"{use} on the buffer",
        answer,
        partial(_on_buffer, use=use),
    )
    for use, answer in (
        ("read", "EINVAL"),
        ("write", "EINVAL"),
        ("truncate", "EINVAL"),
        ("fallocate", "ENODEV"),
    )
]
_seeks = [
    _file(
        f"lseek.{name}",
        f"lseek to {offset} from {name.partition('.')[0]}",
        f"lseek({offset}, {whence}) on a buffer of {_SIZE} bytes",
        answer,
        partial(_lseek, offset=offset, whence=whence),
        source="dma-buf.c, dma_buf_llseek()",
    )
    for name, offset, whence, answer in (
        ("end.0", 0, os.SEEK_END, f"ok {_SIZE}"),
        ("set.0", 0, os.SEEK_SET, "ok 0"),
        ("set.1", 1, os.SEEK_SET, "EINVAL"),
        ("cur.0", 0, os.SEEK_CUR, "EINVAL"),
        ("end.1", 1, os.SEEK_END, "EINVAL"),
    )
]
_facts = [
    _file(
        f"stat.{name}",
        f"fstat tells {what}",
        f"fstat on a buffer of {_SIZE} bytes",
        answer,
        partial(_stat, tell=tell),
        source="dma-buf.c, dma_buf_getfile()",
    )
    for name, what, answer, tell in (
        ("size", "the size", f"ok {_SIZE}", lambda s: str(s.st_size)),
        ("blocks", "blocks of 512 bytes", "ok 16", lambda s: str(s.st_blocks)),
        ("mode", "mode 0600", "ok 0600", lambda s: f"{s.st_mode & 0o7777:04o}"),
        ("links", "one link", "ok 1", lambda s: str(s.st_nlink)),
    )
]
_told = [
    _file(
        f"fdinfo.{name}",
        f"fdinfo has {what}",
        f"read the line {key!r} of the descriptor's fdinfo",
        answer,
        partial(_fdinfo, key=key, name=given),
        source="dma-buf.c, dma_buf_show_fdinfo()",
    )
    for name, what, key, given, answer in (
        ("size", "the size", "size", "", f"ok {_SIZE}"),
        ("count", "the references", "count", "", "ok 1"),
        ("name", "the name", "name", "preview", "ok preview"),
        ("no_name", "no name where none was set", "name", "", "ok no such line"),
    )
]

CHECKS: Final = (
    *_heap_uses,
    _heap(
        "poll",
        "a heap is always ready",
        "poll on the heap",
        _READY,
        lambda s: poll_text(s.heap.poll()),
    ),
    *(*_buffer_uses, *_seeks),
    _file(
        "poll",
        "an idle buffer is ready",
        "poll on the buffer",
        _READY,
        lambda s: poll_text(s.allocate().poll()),
        source="dma-buf.c, dma_buf_poll()",
    ),
    _file(
        "closed", "a closed buffer is no file", "close, then lseek", "EBADF", _closed
    ),
    _file(
        "exporter",
        "the exporter is the heap",
        "read exp_name",
        "ok the heap's name",
        _exporter,
        source="system_heap.c, cma_heap.c",
    ),
    _file(
        "inode",
        "inodes rise, and a dup shares one",
        "allocate two buffers and dup one, compare the inodes",
        "ok rising",
        _inodes,
        source="dma-buf.c, dma_buf_getfile()",
    ),
    _file(
        "dup",
        "another reference keeps the buffer",
        "dup, close the first, lseek the second",
        f"ok {_SIZE}",
        _duplicate,
    ),
    _file(
        "passed",
        "a buffer passes through a unix socket",
        "send it as SCM_RIGHTS, close it, receive it, lseek",
        f"ok {_SIZE}",
        _passed,
        source="net/core/scm.c, scm_fp_copy()",
    ),
    *_facts,
    _file(
        "link",
        "the link in /proc has the name",
        "SET_NAME preview, readlink",
        "ok /dmabuf:preview",
        partial(_link, name="preview"),
        source="dma-buf.c, dmabuffs_dname()",
    ),
    *_told,
    _file(
        "bufinfo",
        "debugfs lists the buffer",
        "allocate, find its inode in bufinfo",
        f"ok {_SIZE} heap",
        _bufinfo,
        source="dma-buf.c, dma_buf_debug_show()",
    ),
)
