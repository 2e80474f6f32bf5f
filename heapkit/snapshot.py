# SPDX-License-Identifier: MIT
"""What is where (:class:`Snapshot`) and what exists (:class:`Observation`)."""

from __future__ import annotations

from dataclasses import dataclass, field

from heapkit._ffi import State
from heapkit.units import format_bytes

__all__ = ["BufferInfo", "Observation", "Region", "Snapshot", "State"]


@dataclass(frozen=True, slots=True)
class Region:
    """A run of pages with one owner. ``address`` and ``size`` are bytes."""

    address: int
    size: int
    state: State = State.USED
    owner: str = ""

    @property
    def end(self) -> int:
        """One past the last byte."""
        return self.address + self.size


@dataclass(frozen=True)
class Snapshot:
    """The regions of one heap at one moment, ascending and without overlap.

    ``base`` and ``size`` bound the heap in bytes. What no region covers is
    unknown; readers of tool output fill the gaps with free regions where the
    format says so.
    """

    heap: str
    base: int
    size: int
    regions: tuple[Region, ...]
    origin: str = ""
    attributes: dict[str, object] = field(default_factory=dict)

    @property
    def holes(self) -> tuple[Region, ...]:
        """The free regions."""
        return tuple(r for r in self.regions if r.state is State.FREE)

    @property
    def free_bytes(self) -> int:
        """Bytes in free regions."""
        return sum(r.size for r in self.holes)

    @property
    def used_bytes(self) -> int:
        """Bytes in regions that buffers hold."""
        return sum(r.size for r in self.regions if r.state is State.USED)

    @property
    def largest_free_bytes(self) -> int:
        """The longest free region; 0 if there is none."""
        return max((r.size for r in self.holes), default=0)

    @property
    def largest_free(self) -> int:
        """:attr:`largest_free_bytes` by its short name."""
        return self.largest_free_bytes

    def __repr__(self) -> str:
        # A snapshot has thousands of regions; hk.show() draws them.
        return (
            f"<Snapshot of {self.heap!r}: {len(self.regions)} regions, "
            f"{format_bytes(self.used_bytes)} of {format_bytes(self.size)} in use>"
        )


@dataclass(frozen=True, slots=True)
class BufferInfo:
    """One dma-buf as a tool lists it. What the tool does not say is None."""

    size: int
    exp_name: str = ""
    name: str | None = None
    inode: int | None = None
    count: int | None = None
    flags: int | None = None
    mode: int | None = None
    attached: tuple[str, ...] = ()
    fences: tuple[str, ...] = ()
    owner: str = ""
    address: int | None = None


@dataclass(frozen=True)
class Observation:
    """The buffers that existed at one moment, in the order they were listed."""

    buffers: tuple[BufferInfo, ...]
    origin: str = ""
    attributes: dict[str, object] = field(default_factory=dict)

    @property
    def total_bytes(self) -> int:
        """Sum of the sizes."""
        return sum(b.size for b in self.buffers)

    def __repr__(self) -> str:
        total = format_bytes(self.total_bytes)
        return f"<Observation of {len(self.buffers)} buffers, {total}>"
