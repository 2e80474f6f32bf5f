# SPDX-License-Identifier: MIT
"""A board: what memory a machine has and how it is handed out. Immutable."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from heapkit._ffi import MAX_DEVICES, MAX_HEAPS
from heapkit.arguments import U64_MAX, integer, wrong
from heapkit.board_parts import (
    CarveoutHeap,
    ChunkHeap,
    CmaHeap,
    Device,
    Heap,
    Memory,
    PagedHeap,
    PageLoad,
    PagePool,
    RegionHeap,
    SecureHeap,
    SyncRules,
    SystemHeap,
    UdmabufHeap,
    span_of,
)
from heapkit.costs import Costs
from heapkit.placement import place
from heapkit.units import format_bytes

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "Board",
    "CarveoutHeap",
    "ChunkHeap",
    "CmaHeap",
    "Device",
    "Heap",
    "Memory",
    "PageLoad",
    "PagePool",
    "PagedHeap",
    "RegionHeap",
    "SecureHeap",
    "SyncRules",
    "SystemHeap",
    "UdmabufHeap",
]


@dataclass(frozen=True, kw_only=True)
class Board:
    """A memory map, heaps, devices, costs and the rules of synchronisation.

    Every region in ``heaps`` has its ``base``, every memory its ``min_free``:
    what was not given is chosen here. A region inside ``memory`` is taken out of
    it, one outside stands alone, a CMA area must lie inside. ``ValueError`` names
    what is wrong, both regions and their ranges if two overlap. ``seed`` decides what
    the models leave to chance (hand-backs that fail).
    """

    name: str
    memory: Memory | None = None
    heaps: tuple[Heap, ...]
    devices: tuple[Device, ...] = ()
    costs: Costs = field(default_factory=Costs.default)
    sync: SyncRules = field(default_factory=SyncRules)
    seed: int = 0
    _given: tuple[Memory | None, tuple[Heap, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise wrong("Board", "name", self.name, "a non-empty string")
        if self.memory is not None and not isinstance(self.memory, Memory):
            raise wrong("Board", "memory", self.memory, "a Memory or None")
        if not isinstance(self.costs, Costs):
            raise wrong("Board", "costs", self.costs, "a Costs")
        if not isinstance(self.sync, SyncRules):
            raise wrong("Board", "sync", self.sync, "a SyncRules")
        seed = integer("Board", "seed", self.seed, high=U64_MAX)
        object.__setattr__(self, "seed", seed)
        heaps = _parts("heaps", self.heaps, Heap, MAX_HEAPS)
        if not heaps:
            raise wrong("Board", "heaps", self.heaps, "at least one heap")
        devices = _parts("devices", self.devices, Device, MAX_DEVICES)
        object.__setattr__(self, "_given", (self.memory, heaps))
        object.__setattr__(self, "devices", devices)
        object.__setattr__(self, "heaps", place(self.memory, heaps))
        object.__setattr__(self, "memory", _with_min_free(self.memory))

    @classmethod
    def preset(cls, name: str) -> Board:
        """A shipped board; :meth:`presets` lists the names."""
        from heapkit.presets import preset

        return preset(name)

    @classmethod
    def presets(cls) -> tuple[str, ...]:
        """The names of the shipped boards."""
        from heapkit.presets import PRESETS

        return tuple(PRESETS)

    @property
    def heap_names(self) -> tuple[str, ...]:
        """In the order of ``heaps``."""
        return tuple(heap.name for heap in self.heaps)

    @property
    def lends(self) -> bool:
        """Whether CMA areas lend their pages: a movable :class:`PageLoad` borrows."""
        return any(isinstance(h, PageLoad) and h.movable for h in self.heaps)

    def heap(self, name: str) -> Heap:
        """The heap of that name; ``ValueError`` names those there are."""
        for heap in self.heaps:
            if heap.name == name:
                return heap
        raise wrong(f"Board {self.name!r}", "heap", name, f"one of {self.heap_names}")

    def device(self, name: str) -> Device:
        """The device of that name; any plain one where the board names none."""
        if not self.devices:
            return Device(name)
        for device in self.devices:
            if device.name == name:
                return device
        names = tuple(device.name for device in self.devices)
        raise wrong(f"Board {self.name!r}", "device", name, f"one of {names}")

    def replace(self, changes: Mapping[str, Any]) -> Board:
        """A board with ``changes``, keyed by dotted names.

        ``{"camera.size": 64 * MiB, "system-pooled.pool.fill": 8 * MiB,
        "memory.total": 4 * GiB, "isp.coherent": True, "costs.clean_line": 8}``.
        Heap and device names may hold dots: the longest that fits is meant.
        Regions whose base was not given are placed anew.
        """
        memory, heaps = self._given
        whole: dict[str, Any] = {
            "name": self.name,
            "memory": memory,
            "heaps": heaps,
            "devices": self.devices,
            "costs": self.costs,
            "sync": self.sync,
            "seed": self.seed,
        }
        nested: dict[str, dict[str, Any]] = {}
        names = (*self.heap_names, *(device.name for device in self.devices))
        for key, value in changes.items():
            owner, path = _split(key, (*names, "memory", "costs", "sync"))
            if owner:
                nested.setdefault(owner, {})[path] = value
            elif key in whole:
                whole[key] = value
            else:
                allowed = f"one of {tuple(whole)}, or NAME.FIELD of {names}"
                raise wrong("Board.replace", "key", key, allowed)
        for owner, fields in nested.items():
            _replace_in(whole, owner, fields)
        return Board(**whole)

    def value(self, key: str) -> Any:
        """What :meth:`replace` would change: ``value("camera.size")``.

        ``ValueError`` if the board has no such thing.
        """
        owner, path = _split(key, (*self.heap_names, *(d.name for d in self.devices)))
        parts = {part.name: part for part in (*self.heaps, *self.devices)}
        if owner:
            return _reach(key, parts[owner], path)
        first = key.partition(".")[0]
        if first not in _names(self):
            allowed = f"{_names(self)}, or NAME.FIELD of {tuple(parts)}"
            raise wrong("Board.value", "key", key, f"one of {allowed}")
        return _reach(key, self, key)

    def to_frame(self) -> pd.DataFrame:
        """One row per heap: name, kind, base, size, end (no base: not a region)."""
        import pandas as pd

        return pd.DataFrame(
            [(h.name, h.kind, *_range(h)) for h in self.heaps],
            columns=["name", "kind", "base", "size", "end"],
        ).astype({"base": "Int64", "size": "Int64", "end": "Int64"})

    def _repr_html_(self) -> str:
        rows = sorted(self._map_rows(), key=lambda row: row[0])
        cells = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for _, *row in rows
        )
        head = "".join(f"<th>{h}</th>" for h in ("heap", "kind", "range", "size"))
        title = html.escape(self.name)
        return f"<table><caption>{title}</caption><tr>{head}</tr>{cells}</table>"

    def _map_rows(self) -> list[tuple[int, str, str, str, str]]:
        rows = []
        if self.memory is not None:
            span = f"{self.memory.base:#x}-{self.memory.end - 1:#x}"
            size = format_bytes(self.memory.total)
            rows.append((self.memory.base, "", "memory", span, size))
        for heap in self.heaps:
            base, size_or_none, end = _range(heap)
            if base is None or size_or_none is None or end is None:
                rows.append((-1, heap.name, heap.kind, "in memory", ""))
                continue
            span, size = f"{base:#x}-{end - 1:#x}", format_bytes(size_or_none)
            rows.append((base, heap.name, heap.kind, span, size))
        return rows


def _reach(key: str, part: Any, path: str) -> Any:
    for name in path.split("."):
        if not dataclasses.is_dataclass(part) and not isinstance(part, Costs):
            raise wrong("Board.value", "key", key, f"a name that leads past {part!r}")
        allowed = _names(part)
        if name not in allowed:
            raise wrong("Board.value", "key", key, f"one of {allowed} after its owner")
        part = part[name].value if isinstance(part, Costs) else getattr(part, name)
    return part


def _names(part: Any) -> tuple[str, ...]:
    if isinstance(part, Costs):
        return tuple(part)
    return tuple(f.name for f in dataclasses.fields(part) if not f.name.startswith("_"))


def _parts(argument: str, value: object, kind: Any, most: int) -> tuple[Any, ...]:
    if isinstance(value, (str, Mapping)) or not isinstance(value, Sequence):
        raise wrong("Board", argument, value, f"a tuple of {argument}")
    parts = tuple(value)
    if len(parts) > most:
        raise wrong("Board", argument, f"{len(parts)} of them", f"at most {most}")
    names: set[str] = set()
    for part in parts:
        if not isinstance(part, kind):
            raise wrong("Board", argument, part, f"a tuple of {argument}")
        if part.name in names:
            raise wrong("Board", argument, part.name, "each name once")
        names.add(part.name)
    return parts


def _with_min_free(memory: Memory | None) -> Memory | None:
    if memory is None or memory.min_free is not None:
        return memory
    return dataclasses.replace(memory, min_free=memory.default_min_free)


def _range(heap: Heap) -> tuple[int | None, int | None, int | None]:
    if isinstance(heap, PagedHeap) or heap.base is None:
        return None, None, None
    return heap.base, heap.size, heap.base + span_of(heap)


def _split(key: object, owners: Sequence[str]) -> tuple[str, str]:
    """``"a.b.size"`` as ``("a.b", "size")`` for the longest owner that fits."""
    if not isinstance(key, str):
        raise wrong("Board.replace", "key", key, "a string such as 'camera.size'")
    fitting = [owner for owner in owners if key.startswith(owner + ".")]
    owner = max(fitting, key=len, default="")
    return owner, key[len(owner) + 1 :] if owner else ""


def _replace_in(whole: dict[str, Any], owner: str, fields: dict[str, Any]) -> None:
    for group in ("heaps", "devices"):
        for i, part in enumerate(whole[group]):
            if part.name == owner:
                changed = _changed(owner, part, fields)
                whole[group] = (*whole[group][:i], changed, *whole[group][i + 1 :])
                return
    if owner == "costs":
        whole["costs"] = whole["costs"].replace(**fields)
        return
    if owner == "sync":
        whole["sync"] = _changed(owner, whole["sync"], fields)
        return
    if whole["memory"] is None:
        raise wrong("Board.replace", "memory", None, "a board that has memory")
    whole["memory"] = _changed(owner, whole["memory"], fields)


def _changed(owner: str, part: Any, fields: dict[str, Any]) -> Any:
    """``part`` with ``fields``, where "pool.fill" reaches into its pool."""
    direct = {path: value for path, value in fields.items() if "." not in path}
    inner = {
        path.removeprefix("pool."): value
        for path, value in fields.items()
        if path.startswith("pool.")
    }
    allowed = tuple(f.name for f in dataclasses.fields(part))
    for path in fields:
        if path not in direct and not (path.startswith("pool.") and "pool" in allowed):
            raise wrong("Board.replace", "key", f"{owner}.{path}", str(allowed))
        if path in direct and path not in allowed:
            raise wrong("Board.replace", "key", f"{owner}.{path}", str(allowed))
    if inner:
        pool = direct.get("pool", part.pool)
        if pool is None:
            raise wrong("Board.replace", f"{owner}.pool", None, "a heap with a pool")
        direct["pool"] = _changed(f"{owner}.pool", pool, inner)
    return dataclasses.replace(part, **_matching_orders(part, direct))


def _matching_orders(part: Any, fields: dict[str, Any]) -> dict[str, Any]:
    """A pooled heap and its pool have the same orders: changing one changes both."""
    pool = fields.get("pool", getattr(part, "pool", None))
    if not isinstance(pool, PagePool):
        return fields
    if "orders" in fields and "pool" not in fields:
        pool = dataclasses.replace(pool, orders=fields["orders"])
    orders = fields.get("orders", pool.orders)
    return {**fields, "pool": pool, "orders": orders}
