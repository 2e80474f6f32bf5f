# SPDX-License-Identifier: MIT
"""``/proc/PID/fdinfo/FD``: which process holds which dma-buf by file descriptor.

After the lines that every file has, ``dma_buf_show_fdinfo()`` of
drivers/dma-buf/dma-buf.c prints ``size``, ``count`` (references, without the
reader's), ``exp_name`` and, if one is set, ``name``. The name comes last and is
whatever a process gave: it may hold line breaks, and nothing after it is a field.
"""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass

from heapkit.errors import FormatError
from heapkit.introspection.processes import Process, Walk, walk
from heapkit.introspection.tree import Root, Tree, tree_of

name = "fdinfo"
path = "/proc/PID/fdinfo"
gives = "which process holds which buffer by file descriptor, size, references, names"
needs = "a mounted /proc of Linux 5.4 or later: sudo mount -t proc proc /proc"

# How the link of a dma-buf's descriptor begins; before Linux 5.3 it had no file
# system of its own.
_LINKS = ("/dmabuf:", "anon_inode:dmabuf")
_FIELD = re.compile(r"(\w+):\s*(.*)", re.ASCII)
_NAME = re.compile(r"^name:\t?", re.ASCII | re.MULTILINE)
_DECIMAL = re.compile(r"\d{1,20}", re.ASCII)


@dataclass(frozen=True, slots=True)
class FdInfo:
    """What one fdinfo file says of a dma-buf. ``size`` is bytes."""

    inode: int | None
    size: int
    count: int
    exp_name: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A file descriptor ``fd`` of a process that is a dma-buf."""

    process: Process
    fd: int
    info: FdInfo


@dataclass(frozen=True)
class References:
    """All that were found; ``walked`` counts the processes."""

    references: tuple[Reference, ...]
    walked: Walk


def read(root: Root = "/") -> References:
    """The dma-bufs among the descriptors of every process that may be read."""
    walked = Walk()
    found = walk(tree_of(root), walked, _of_process)
    return References(tuple(Reference(p, fd, info) for p, (fd, info) in found), walked)


def parse(text: str, *, path: object = None) -> FdInfo | None:
    """One fdinfo text; None if it is not that of a dma-buf.

    :class:`FormatError` for one that is, and lacks its size or count or has
    something else there.
    """
    label = _NAME.search(text)
    head = text if label is None else text[: label.start()]
    fields = _fields(head)
    if "exp_name" not in fields:
        return None
    numbers = {key: _number(fields, key, path) for key in ("size", "count")}
    inode = _number(fields, "ino", path) if "ino" in fields else None
    said = None if label is None else text[label.end() :].removesuffix("\n")
    exporter = fields["exp_name"][1]
    return FdInfo(inode, numbers["size"], numbers["count"], exporter, said)


def _fields(head: str) -> dict[str, tuple[int, str]]:
    """Field -> its line and value."""
    fields: dict[str, tuple[int, str]] = {}
    for number, line in enumerate(head.split("\n"), 1):
        if match := _FIELD.fullmatch(line):
            fields.setdefault(match[1], (number, match[2]))
    return fields


def _number(fields: dict[str, tuple[int, str]], key: str, path: object) -> int:
    line, value = fields.get(key, (1, ""))
    if not _DECIMAL.fullmatch(value):
        message = f"expected {key}: and a decimal number"
        raise FormatError(message, path=path, line=line, text=value)
    return int(value)


def _of_process(tree: Tree, pid: int) -> tuple[tuple[int, FdInfo], ...]:
    found = []
    directory = f"proc/{pid}/fdinfo"
    try:
        names = tree.entries(directory)
    except FileNotFoundError:
        # A capture has only what was read: of this process only its maps.
        return ()
    for fd in sorted(int(name) for name in names if name.isdecimal()):
        try:
            info = _of_descriptor(tree, pid, fd)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESRCH):
                raise
            continue  # closed between the listing and the reading
        if info is not None:
            found.append((fd, info))
    return tuple(found)


def _of_descriptor(tree: Tree, pid: int, fd: int) -> FdInfo | None:
    link = tree.link(f"proc/{pid}/fd/{fd}")
    if link is not None and not link.startswith(_LINKS):
        return None
    file = f"proc/{pid}/fdinfo/{fd}"
    raw = tree.peek(file)
    info = parse(tree.decode(file, raw), path=tree.path(file))
    if info is not None:
        tree.keep(file, raw)
    return info
