# SPDX-License-Identifier: MIT
"""One look at everything: ``hk.introspect()``."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapkit import arguments
from heapkit.introspection import (
    buddyinfo,
    bufinfo,
    cma,
    cma_sysfs,
    dmabuf_iter,
    dmabuf_sysfs,
    extfrag,
    fdinfo,
    maps,
    meminfo,
    pagetypeinfo,
    pools,
)
from heapkit.introspection import source as sources
from heapkit.introspection.buffers import HeldBuffer, ProcessUse, merge, processes
from heapkit.introspection.extfrag import Extfrag
from heapkit.introspection.owners import with_owners
from heapkit.introspection.pagetypeinfo import PageTypes
from heapkit.introspection.printable import printable
from heapkit.introspection.source import Source
from heapkit.introspection.tree import Tree
from heapkit.introspection.zones import Zone
from heapkit.snapshot import BufferInfo, Observation, Snapshot
from heapkit.units import format_bytes

if TYPE_CHECKING:
    import pandas as pd

READERS: tuple[sources.Reader, ...] = (
    fdinfo,
    maps,
    bufinfo,
    dmabuf_sysfs,
    dmabuf_iter,
    cma,
    cma_sysfs,
    buddyinfo,
    pagetypeinfo,
    extfrag,
    meminfo,
    pools,
)
_RELEASE = "proc/sys/kernel/osrelease"


def introspect(
    root: str | os.PathLike[str] = "/", *, strict: bool = True
) -> Introspection:
    """What the kernel says of its buffers and memory, from every source there is.

    Nothing is changed and no root is needed: what is denied or absent is told in
    ``sources``, with what it would give. ``root`` is a directory with the ``proc``
    and ``sys`` of another machine, as :meth:`Introspection.capture` writes them.

    :class:`heapkit.FormatError`, with path, line and text, for a file that is not
    what the kernel prints; unless ``strict``, that source is "malformed" in
    ``sources`` and the others are read.
    """
    tree = Tree(root)
    if not tree.path("proc").is_dir():
        allowed = 'a directory with a "proc" in it'
        raise arguments.wrong("introspect", "root", os.fspath(root), allowed)
    noted = sources.noted(tree)
    readings, asked = {}, []
    for reader in READERS:
        reading, source = sources.ask(reader, tree, strict=strict)
        if source.name in noted and (reading is None or not source.why):
            source = noted[source.name]
        readings[reader.name] = reading
        asked.append(source)
    return _introspection(tree, readings, tuple(asked))


def _introspection(
    tree: Tree, readings: dict[str, Any], asked: tuple[Source, ...]
) -> Introspection:
    buffers = merge(readings)
    counters = readings["cma_sysfs"] or {}
    areas = {
        name: _area(area, buffers, counters.get(name, {}))
        for name, area in (readings["cma"] or {}).items()
    }
    return Introspection(
        sources=asked,
        buffers=buffers,
        cma=areas,
        cma_counters=counters,
        buddy=readings["buddyinfo"] or (),
        pagetypes=readings["pagetypeinfo"],
        extfrag=readings["extfrag"],
        meminfo=readings["meminfo"] or {},
        pools=readings["pools"],
        kernel=_release(tree),
        _tree=tree,
    )


def _area(
    area: Snapshot, buffers: tuple[HeldBuffer, ...], counters: dict[str, int]
) -> Snapshot:
    """With the counters of sysfs (pages) and the owners that are told by size."""
    owned = with_owners(area, buffers)
    return replace(owned, attributes=owned.attributes | counters)


def _release(tree: Tree) -> str:
    try:
        return tree.text(_RELEASE).strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class Introspection:
    """One look at a machine's buffers and memory. Sizes are bytes, CMA's too.

    What no source says is empty, or None where empty would be an answer.
    """

    sources: tuple[Source, ...]
    buffers: tuple[HeldBuffer, ...]
    cma: dict[str, Snapshot]
    cma_counters: dict[str, dict[str, int]]
    buddy: tuple[Zone[int], ...]
    pagetypes: PageTypes | None
    extfrag: Extfrag | None
    meminfo: dict[str, int]
    pools: int | None
    kernel: str
    _tree: Tree = field(repr=False)

    def source(self, name: str) -> Source:
        """How it was with one of :attr:`sources`; ValueError for another name."""
        for source in self.sources:
            if source.name == name:
                return source
        names = ", ".join(source.name for source in self.sources)
        raise arguments.wrong("introspection", "name", name, names)

    @property
    def processes(self) -> tuple[ProcessUse, ...]:
        """What each process holds, those who hold most first."""
        return processes(self.buffers)

    @property
    def total_bytes(self) -> int:
        """Of all buffers that any source lists."""
        return sum(buffer.size for buffer in self.buffers)

    @property
    def kernel_only(self) -> tuple[HeldBuffer, ...]:
        """Buffers that no process holds which was read: a driver's, or denied."""
        return tuple(buffer for buffer in self.buffers if not buffer.holders)

    @property
    def observation(self) -> Observation:
        """The buffers as any reader of tool output gives them."""
        return Observation(tuple(_info(b) for b in self.buffers), "introspection")

    def to_frame(self) -> pd.DataFrame:
        """One row per buffer; ``FIELD_source`` says where a number is from."""
        from heapkit.introspection.tables import frame

        return frame(self.buffers)

    def capture(self, path: str | os.PathLike[str]) -> list[str]:
        """Write what was read below a new directory, to be opened with ``root=``.

        Of maps only the lines of dma-bufs, of other processes nothing. Returns the
        names of the files. ``FileExistsError`` if there is something at ``path``.
        """
        directory = Path(path)
        directory.mkdir(parents=True)
        written = self._tree.write(directory)
        sources.write_note(self.sources, directory)
        return written

    def _repr_html_(self) -> str:
        from heapkit.introspection.tables import html

        return html(self)

    def __repr__(self) -> str:
        read = sum(source.status == sources.READ for source in self.sources)
        return (
            f"<Introspection of Linux {self.kernel}: {len(self.buffers)} buffers, "
            f"{format_bytes(self.total_bytes)}; {len(self.cma)} CMA areas; "
            f"{read} of {len(self.sources)} sources read>"
        )


def _info(buffer: HeldBuffer) -> BufferInfo:
    comms = [f"{printable(h.comm)} ({h.pid})" for h in buffer.holders]
    return BufferInfo(
        buffer.size,
        buffer.exp_name,
        name=printable(buffer.name) or None,
        inode=buffer.inode,
        count=buffer.count,
        attached=buffer.attached,
        fences=buffer.fences,
        owner=", ".join(comms),
    )
