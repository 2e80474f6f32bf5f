# SPDX-License-Identifier: MIT
"""One row for each dma-buf: what every source says of it, and who holds it.

Buffers are the same if their inode is. RSS and PSS follow Android's libdmabufinfo:
a process that holds a buffer, by descriptor or mapping and however often, has all of
its bytes in its RSS and a part in its PSS: size divided by the number of processes,
rounded down.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from heapkit.introspection.fdinfo import References
from heapkit.introspection.maps import Mappings
from heapkit.introspection.processes import Process
from heapkit.snapshot import BufferInfo, Observation

# The first that says something is believed. Those before maps know the buffer
# itself; a mapping may be of a part of it.
SOURCES = ("bufinfo", "fdinfo", "dmabuf_iter", "dmabuf_sysfs", "maps")
# These list every buffer that exists, those of drivers too.
COMPLETE = ("bufinfo", "dmabuf_iter", "dmabuf_sysfs")
FIELDS = ("size", "exp_name", "name", "count")
_UNNAMED = ("", "<none>")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that holds a buffer: its descriptors, and bytes of each mapping."""

    pid: int
    comm: str
    fds: tuple[int, ...] = ()
    maps: tuple[int, ...] = ()


@dataclass(frozen=True)
class HeldBuffer:
    """A dma-buf. ``said[field][source]`` is what a source says of a field."""

    inode: int | None
    said: dict[str, dict[str, Any]]
    holders: tuple[Holder, ...] = ()
    attached: tuple[str, ...] = ()
    fences: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    disagreements: tuple[str, ...] = ()

    def source_of(self, name: str) -> str:
        """Which source the value of a field is from; empty if nobody says it."""
        return next(iter(self.said[name]), "")

    def _value(self, name: str) -> Any:
        return next(iter(self.said[name].values()), None)

    @property
    def size(self) -> int:
        """Bytes. Where only ``maps`` knows the buffer, what is mapped: at least."""
        return int(self._value("size"))

    @property
    def exp_name(self) -> str:
        """The exporter: for a heap's buffer the name of the heap."""
        return str(self._value("exp_name") or "")

    @property
    def name(self) -> str:
        """As a process set it; empty if none did, or no source says it."""
        return str(self._value("name") or "")

    @property
    def count(self) -> int | None:
        """References to the file; None if no source says it."""
        value = self._value("count")
        return None if value is None else int(value)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that hold it."""
        return tuple(holder.pid for holder in self.holders)

    @property
    def rss(self) -> int:
        """Bytes in the RSS of its holders together: the size for each."""
        return self.size * len(self.holders)

    @property
    def pss(self) -> int:
        """Bytes in the PSS of each holder; 0 if there is none."""
        return self.size // len(self.holders) if self.holders else 0


@dataclass(frozen=True, slots=True)
class ProcessUse:
    """What a process holds: ``rss`` and ``pss`` are bytes."""

    pid: int
    comm: str
    buffers: int
    rss: int
    pss: int


@dataclass
class _Row:
    said: dict[str, dict[str, Any]] = field(
        default_factory=lambda: {name: {} for name in FIELDS}
    )
    fds: dict[Process, list[int]] = field(default_factory=lambda: defaultdict(list))
    maps: dict[Process, list[int]] = field(default_factory=lambda: defaultdict(list))
    attached: tuple[str, ...] = ()
    fences: tuple[str, ...] = ()

    def say(self, source: str, **values: Any) -> None:
        for name, value in values.items():
            self.said[name][source] = value


def merge(readings: dict[str, Any]) -> tuple[HeldBuffer, ...]:
    """A row for each inode, the largest buffers first.

    ``readings`` has what :data:`SOURCES` gave; those that gave nothing are missing
    or None.
    """
    rows: dict[int, _Row] = defaultdict(_Row)
    strangers: list[_Row] = []
    _add_bufinfo(rows, strangers, readings.get("bufinfo"))
    _add_references(rows, readings.get("fdinfo"))
    for source in ("dmabuf_iter", "dmabuf_sysfs"):
        _add_listed(rows, source, readings.get(source) or ())
    _add_mappings(rows, readings.get("maps"))
    complete = [s for s in COMPLETE if readings.get(s) is not None]
    merged = [_held(inode, row, complete) for inode, row in rows.items()]
    merged += [_held(None, row, ["bufinfo"]) for row in strangers]
    return tuple(sorted(merged, key=lambda b: (-b.size, b.inode or 0)))


def _add_bufinfo(
    rows: dict[int, _Row], strangers: list[_Row], seen: Observation | None
) -> None:
    if seen is None:
        return
    names = "name" in (seen.attributes["columns"] or ())  # type: ignore[operator]
    for buffer in seen.buffers:
        if buffer.inode is None:
            row = _Row()
            strangers.append(row)
        else:
            row = rows[buffer.inode]
        row.say("bufinfo", size=buffer.size, exp_name=buffer.exp_name)
        row.say("bufinfo", count=buffer.count)
        if names or buffer.name is not None:
            row.say("bufinfo", name=buffer.name or "")
        row.attached, row.fences = buffer.attached, buffer.fences


def _add_references(rows: dict[int, _Row], found: References | None) -> None:
    for reference in found.references if found is not None else ():
        info = reference.info
        if info.inode is None:
            continue  # before Linux 5.14: the row cannot be told from another
        row = rows[info.inode]
        row.say("fdinfo", size=info.size, exp_name=info.exp_name)
        row.say("fdinfo", name=info.name or "", count=info.count)
        row.fds[reference.process].append(reference.fd)


def _add_listed(
    rows: dict[int, _Row], source: str, listed: Iterable[BufferInfo]
) -> None:
    for buffer in listed:
        assert buffer.inode is not None, "both list buffers by inode"
        row = rows[buffer.inode]
        row.say(source, size=buffer.size, exp_name=buffer.exp_name)
        if source == "dmabuf_iter":
            row.say(source, name=buffer.name or "")


def _add_mappings(rows: dict[int, _Row], found: Mappings | None) -> None:
    for mapping in found.mappings if found is not None else ():
        one = mapping.map
        row = rows[one.inode]
        end = max(row.said["size"].get("maps", 0), one.offset + one.length)
        row.say("maps", size=end, name=one.name or "")
        row.maps[mapping.process].append(one.length)


def _held(inode: int | None, row: _Row, complete: list[str]) -> HeldBuffer:
    said = {
        name: {s: row.said[name][s] for s in SOURCES if s in row.said[name]}
        for name in FIELDS
    }
    processes = sorted({*row.fds, *row.maps}, key=lambda process: process.pid)
    holders = tuple(
        Holder(p.pid, p.comm, tuple(row.fds.get(p, ())), tuple(row.maps.get(p, ())))
        for p in processes
    )
    return HeldBuffer(
        inode,
        said,
        holders,
        row.attached,
        row.fences,
        tuple(s for s in SOURCES if any(s in values for values in said.values())),
        tuple(_disagreements(said, complete)),
    )


def _disagreements(
    said: dict[str, dict[str, Any]], complete: list[str]
) -> Iterable[str]:
    for name, values in said.items():
        # A mapping may be of a part of the buffer, but of no more than it has.
        told = {s: v for s, v in values.items() if (name, s) != ("size", "maps")}
        if len({_comparable(value) for value in told.values()}) > 1:
            each = ", ".join(f"{value!r} ({s})" for s, value in told.items())
            yield f"{name}: {each}"
    for source in complete:
        if source not in said["size"]:
            yield f"not in {source}: it came or went between the two readings"


def _comparable(value: Any) -> Any:
    """Names as bufinfo prints them: without blanks around, <none> for no name."""
    if not isinstance(value, str):
        return value
    stripped = value.strip()
    return "" if stripped in _UNNAMED else stripped


def processes(buffers: Iterable[HeldBuffer]) -> tuple[ProcessUse, ...]:
    """What each process holds, those who hold most first."""
    held: dict[tuple[int, str], list[HeldBuffer]] = defaultdict(list)
    for buffer in buffers:
        for holder in buffer.holders:
            held[holder.pid, holder.comm].append(buffer)
    uses = [
        ProcessUse(pid, comm, len(b), sum(x.size for x in b), sum(x.pss for x in b))
        for (pid, comm), b in held.items()
    ]
    return tuple(sorted(uses, key=lambda use: (-use.rss, use.pid)))
