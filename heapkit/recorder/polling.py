# SPDX-License-Identifier: MIT
"""The kernel's own lists of its buffers, read again and again.

A buffer that comes and goes between two readings is in none of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from heapkit._ffi import PAGE_SIZE
from heapkit.holdings import UNKNOWN
from heapkit.introspection import bufinfo, dmabuf_iter, dmabuf_sysfs, fdinfo
from heapkit.introspection.source import READ, Reader, Source, ask
from heapkit.introspection.tree import Root, Tree, tree_of
from heapkit.snapshot import BufferInfo

# The first that can be read is polled. The last sees only what processes hold by a
# descriptor, and reads every process's: it is the slowest by far.
READERS: tuple[Reader, ...] = (dmabuf_sysfs, bufinfo, dmabuf_iter, fdinfo)
_AREAS = "sys/kernel/debug/cma"
_AREAS_SYSFS = "sys/kernel/mm/cma"


@dataclass(frozen=True, slots=True)
class Seen:
    """A buffer in a list: its bytes, and who exported it."""

    size: int
    exp_name: str


@dataclass(frozen=True, slots=True)
class Poll:
    """One reading, which began at ``time_ns``: inode -> buffer."""

    time_ns: int
    buffers: dict[int, Seen] = field(default_factory=dict)


class Poller:
    """Reads the best list that the machine below ``root`` shows.

    ``source`` says which, or what each would need. ``FormatError`` where the
    kernel's text is not what it prints.
    """

    def __init__(
        self, root: Root, *, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._root, self._clock = root, clock
        self._reader: Reader | None = None
        self.sources: list[Source] = []
        for reader in READERS:
            reading, source = ask(reader, tree_of(root), strict=True)
            self.sources.append(source)
            if source.status == READ and _knows_inodes(reading):
                self._reader = reader
                break

    @property
    def name(self) -> str:
        """The list that is read; empty if there is none."""
        return self._reader.name if self._reader else ""

    def read(self) -> Poll:
        """The buffers there are."""
        now = self._clock()
        if self._reader is None:
            return Poll(now)
        listed = _listed(self._reader.read(self._root))
        buffers = {
            one.inode: Seen(one.size, one.exp_name)
            for one in listed
            if one.inode is not None
        }
        return Poll(now, buffers)

    def holders(self, inodes: Iterable[int]) -> dict[int, str]:
        """Inode -> ``comm-pid`` of the first process that holds it, where one does."""
        wanted = set(inodes)
        if not wanted:
            return {}
        try:
            found = fdinfo.read(self._root).references
        except OSError:
            return {}
        holders: dict[int, str] = {}
        for one in found:
            if one.info.inode in wanted and one.info.inode is not None:
                process = f"{one.process.comm}-{one.process.pid}"
                holders.setdefault(one.info.inode, process)
        return holders


def _listed(reading: Any) -> Iterable[BufferInfo | fdinfo.FdInfo]:
    if isinstance(reading, fdinfo.References):
        return [one.info for one in reading.references]
    listed: Iterable[BufferInfo] = getattr(reading, "buffers", reading)
    return listed


def _knows_inodes(reading: Any) -> bool:
    """Kernels before 5.14 and 5.3 print none in fdinfo and bufinfo."""
    return all(one.inode is not None for one in _listed(reading))


@dataclass(frozen=True, slots=True)
class Area:
    """Bytes of a CMA area; ``used`` is None where the kernel does not say."""

    size: int
    used: int | None


def areas(root: Root) -> dict[str, Area]:
    """The CMA areas by name: from debugfs, else from sysfs, else none."""
    tree = tree_of(root)
    for directory, read in ((_AREAS, _of_debugfs), (_AREAS_SYSFS, _of_sysfs)):
        try:
            return {name: read(tree, name) for name in tree.entries(directory)}
        except OSError:
            continue
    return {}


def _of_debugfs(tree: Tree, name: str) -> Area:
    pages = tree.number(f"{_AREAS}/{name}/count")
    used = tree.number(f"{_AREAS}/{name}/used")
    return Area(pages * PAGE_SIZE, used * PAGE_SIZE)


def _of_sysfs(tree: Tree, name: str) -> Area:
    """``total_pages`` came with Linux 6.9: OSError before."""
    directory = f"{_AREAS_SYSFS}/{name}"
    total = tree.number(f"{directory}/total_pages")
    left = tree.number(f"{directory}/available_pages")
    return Area(total * PAGE_SIZE, (total - left) * PAGE_SIZE)


def holder_of(holders: dict[int, str], inode: int) -> str:
    """Who holds it, or that nobody knows."""
    return holders.get(inode, UNKNOWN)
