# SPDX-License-Identifier: MIT
r"""``/proc/PID/maps``: which process has which dma-buf mapped, closed or not.

A line is ``START-END PERMS OFFSET DEV INODE PATH``; the path of a dma-buf is
``/dmabuf:NAME``, where the kernel writes a line break as ``\012``
(``show_map_vma()`` of fs/proc/task_mmu.c).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from heapkit.errors import FormatError
from heapkit.introspection.processes import Process, Walk, walk
from heapkit.introspection.tree import Root, Tree, tree_of

name = "maps"
path = "/proc/PID/maps"
gives = "which process has which buffer mapped, also after it closed the descriptor"
needs = "a mounted /proc: sudo mount -t proc proc /proc"

_PREFIX = "/dmabuf:"
_LINE = re.compile(
    r"(?P<start>[0-9a-f]{1,16})-(?P<end>[0-9a-f]{1,16}) (?P<perms>[rwxsp-]{4}) "
    r"(?P<offset>[0-9a-f]{1,16}) [0-9a-f]+:[0-9a-f]+ (?P<inode>\d{1,20})\s*"
    r"(?P<path>.*)",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class DmaBufMap:
    """One mapping of a dma-buf. ``length`` and ``offset`` are bytes."""

    inode: int
    length: int
    offset: int
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping and the process that has it."""

    process: Process
    map: DmaBufMap


@dataclass(frozen=True)
class Mappings:
    """All that were found; ``walked`` counts the processes."""

    mappings: tuple[Mapping, ...]
    walked: Walk


def read(root: Root = "/") -> Mappings:
    """The mappings of dma-bufs in every process that may be read."""
    walked = Walk()
    found = walk(tree_of(root), walked, _of_process)
    return Mappings(tuple(Mapping(process, one) for process, one in found), walked)


def parse(text: str, *, path: object = None) -> tuple[DmaBufMap, ...]:
    """The dma-bufs among the mappings of one process, by address."""
    found = []
    for number, line in _lines(text):
        match = _LINE.fullmatch(line)
        if match is None:
            raise FormatError("no line of maps", path=path, line=number, text=line)
        if match["path"].startswith(_PREFIX):
            found.append(_map(match))
    return tuple(found)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line:
            yield number, line


def _map(match: re.Match[str]) -> DmaBufMap:
    label = match["path"].removeprefix(_PREFIX).replace("\\012", "\n")
    length = int(match["end"], 16) - int(match["start"], 16)
    offset = int(match["offset"], 16)
    return DmaBufMap(int(match["inode"]), length, offset, label or None)


def _of_process(tree: Tree, pid: int) -> tuple[DmaBufMap, ...]:
    file = f"proc/{pid}/maps"
    try:
        raw = tree.peek(file)
    except FileNotFoundError:
        return ()
    # Of a process's other mappings nothing is looked at, and nothing kept.
    ours = [line for line in raw.split(b"\n") if _PREFIX.encode() in line]
    if not ours:
        return ()
    kept = b"\n".join(ours) + b"\n"
    found = parse(tree.decode(file, kept), path=tree.path(file))
    if found:
        tree.keep(file, kept)
    return found
