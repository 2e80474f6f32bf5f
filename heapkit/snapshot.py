# SPDX-License-Identifier: MIT
"""What is where (:class:`Snapshot`) and what exists (:class:`Observation`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import NO_OWNER, State
from heapkit.units import format_bytes

__all__ = ["BufferInfo", "Observation", "Region", "Regions", "Snapshot", "State"]


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


class Regions(Sequence[Region]):
    """Regions as columns; each becomes a :class:`Region` when it is looked at.

    ``records`` are the core's (address, size, owner, state). ``ids`` has the id of
    each buffer by its number in the core, where that is another one; ``name`` makes
    it text.
    """

    __slots__ = ("_ids", "_name", "_records")
    __hash__ = None  # type: ignore[assignment]

    def __init__(
        self,
        records: NDArray[np.void],
        ids: NDArray[Any] | None = None,
        name: Callable[[int], str] = "#{}".format,
    ) -> None:
        self._records, self._ids, self._name = records, ids, name

    def column(self, name: str) -> NDArray[Any]:
        """``address``, ``size`` or ``state`` of all of them."""
        return self._records[name]

    def of(self, state: State) -> Regions:
        """Those in that state."""
        these = self._records["state"] == int(state)
        return Regions(self._records[these], self._ids, self._name)

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> Region: ...
    @overload
    def __getitem__(self, index: slice) -> Regions: ...
    def __getitem__(self, index: int | slice) -> Region | Regions:
        if isinstance(index, slice):
            return Regions(self._records[index], self._ids, self._name)
        return next(iter(Regions(self._records[[index]], self._ids, self._name)))

    def __iter__(self) -> Iterator[Region]:
        states = {int(state): state for state in State}
        for address, size, number, state in self._records.tolist():
            yield Region(address, size, states[state], self._owner(number))

    def _owner(self, number: int) -> str:
        if number == NO_OWNER:
            return ""
        return self._name(number if self._ids is None else int(self._ids[number]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(
            mine == theirs for mine, theirs in zip(self, other, strict=True)
        )

    def __repr__(self) -> str:
        return f"<{len(self)} regions>"


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
    regions: Sequence[Region]
    origin: str = ""
    attributes: dict[str, object] = field(default_factory=dict)

    def column(self, name: str) -> NDArray[Any]:
        """``address``, ``size`` or ``state`` of every region."""
        if isinstance(self.regions, Regions):
            return self.regions.column(name)
        return np.array([getattr(r, name) for r in self.regions], dtype=np.uint64)

    def sizes(self, state: State) -> NDArray[np.uint64]:
        """Of the regions in that state, by address."""
        # numpy looks an enum's attributes up, and an interrupt that comes then is lost.
        is_wanted = self.column("state") == int(state)
        sizes: NDArray[np.uint64] = self.column("size")[is_wanted]
        return sizes

    def bytes_in(self, state: State) -> int:
        """Bytes of all regions in that state."""
        return int(self.sizes(state).sum())

    @property
    def holes(self) -> tuple[Region, ...]:
        """The free regions."""
        if isinstance(self.regions, Regions):
            return tuple(self.regions.of(State.FREE))
        return tuple(r for r in self.regions if r.state is State.FREE)

    @property
    def free_bytes(self) -> int:
        """Bytes in free regions."""
        return self.bytes_in(State.FREE)

    @property
    def used_bytes(self) -> int:
        """Bytes in regions that buffers hold."""
        return self.bytes_in(State.USED)

    @property
    def largest_free_bytes(self) -> int:
        """The longest free region; 0 if there is none."""
        return int(self.sizes(State.FREE).max(initial=0))

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
