# SPDX-License-Identifier: MIT
"""A board as the C core takes it: :class:`heapkit.Board` to ``hk_machine_spec``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from heapkit import _ffi
from heapkit.backends.heap_spec import heap_spec
from heapkit.board import Board
from heapkit.board_parts import Device, PagedHeap, SyncRules, SystemHeap, span_of
from heapkit.snapshot import Regions, Snapshot


def machine(board: Board, *, extra_devices: Sequence[Device] = ()) -> _ffi.Machine:
    """An idle machine of ``board``; ``extra_devices`` follow the board's own."""
    spec = specification(board, extra_devices=extra_devices)
    return _ffi.Machine(spec, what=f"board {board.name!r}")


def specification(
    board: Board, *, extra_devices: Sequence[Device] = ()
) -> _ffi.MachineSpec:
    """All of ``board`` that a replay depends on, but for the names of its heaps."""
    return {
        "memory": _memory(board),
        "heaps": [heap_spec(heap, board) for heap in board.heaps],
        "devices": [
            {"coherent": int(device.coherent), "iommu": int(device.iommu)}
            for device in (*board.devices, *extra_devices)
        ],
        "costs": {name: board.costs[name].value for name in _ffi.COST_NAMES},
        "sync_flags": _sync_flags(board.sync),
        "seed": board.seed,
    }


def _sync_flags(rules: SyncRules) -> int:
    flag = _ffi.SyncFlag
    flags = flag(0)
    flags |= flag.EVERY_ATTACHMENT if rules.attachments == "all" else flag(0)
    flags |= flag.BEFORE_5_19 if rules.arm64 == "before" else flag(0)
    flags |= flag.LAZY if rules.lazy else flag(0)
    return flags


def _memory(board: Board) -> dict[str, int]:
    memory = board.memory
    if memory is None:
        return {"base": 0, "total": 0, "min_free": 0}
    least = memory.default_min_free if memory.min_free is None else memory.min_free
    return {"base": memory.base, "total": memory.total, "min_free": least}


def layout(
    board: Board,
    machine: _ffi.Machine,
    heap: int,
    *,
    ids: NDArray[Any] | None = None,
    name: Callable[[int], str] = "#{}".format,
) -> Snapshot:
    """The regions of the heap of that index.

    ``ids`` has the id of each buffer by its number in the machine, where that is
    another one; ``name`` makes it text.

    That of a system heap or a load spans the memory; its ``attributes`` hold the
    free blocks of each order ("buddyinfo"), the same by migratetype with the number
    of pageblocks of each ("pagetypeinfo", "pageblocks"), and those of each pool
    ("pool_fill").
    """
    spec = board.heaps[heap]
    regions = Regions(machine.snapshot(heap), ids, name)
    if not isinstance(spec, PagedHeap):
        assert spec.base is not None
        length = span_of(spec)
        return Snapshot(spec.name, spec.base, length, regions, origin="simulated")
    assert board.memory is not None
    counts, pageblocks = machine.pagetypeinfo()
    types = [kind.name.lower() for kind in _ffi.Migratetype]
    attributes: dict[str, object] = {
        "buddyinfo": tuple(machine.buddyinfo().tolist()),
        "pagetypeinfo": {
            kind: tuple(row) for kind, row in zip(types, counts.tolist(), strict=True)
        },
        "pageblocks": dict(zip(types, pageblocks.tolist(), strict=True)),
    }
    if isinstance(spec, SystemHeap):
        fills = zip(spec.orders, machine.pool_fill(heap), strict=False)
        attributes["pool_fill"] = dict(fills)
    memory = board.memory
    return Snapshot(
        spec.name, memory.base, memory.total, regions, "simulated", attributes
    )
