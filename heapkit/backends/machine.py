# SPDX-License-Identifier: MIT
"""A board as the C core takes it: :class:`heapkit.Board` to ``hk_machine_spec``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, assert_never

from numpy.typing import NDArray

from heapkit import _ffi
from heapkit.board import Board
from heapkit.board_parts import (
    CarveoutHeap,
    ChunkHeap,
    CmaHeap,
    Device,
    Heap,
    PagedHeap,
    PageLoad,
    SecureHeap,
    SyncRules,
    SystemHeap,
    span_of,
)
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
        "heaps": [_heap(heap) for heap in board.heaps],
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


def _heap(heap: Heap) -> dict[str, object]:
    match heap:
        case SystemHeap():
            return _system(heap)
        case PageLoad():
            return {
                "kind": _ffi.HeapKind.PAGES,
                "flags": _ffi.HeapFlag.PINNED if heap.pinned else 0,
                "n_orders": 1,
                "order": [heap.order],
                "migratetype": _ffi.Migratetype[heap.migratetype.upper()],
            }
        case CmaHeap():
            return {
                "kind": _ffi.HeapKind.CMA,
                "alignment_order": heap.alignment_order,
                "n_ranges": len(heap.ranges),
                "range": [{"base": b, "size": s} for b, s in heap.ranges],
                **_region(heap),
            }
        case CarveoutHeap():
            return _carveout(heap)
        case ChunkHeap():
            return {"kind": _ffi.HeapKind.CHUNK, **_region(heap)}
        case SecureHeap():
            return {
                "kind": _ffi.HeapKind.SECURE,
                "fit": fit(heap.fit),
                "align": _ffi.PAGE_SIZE,
                **_region(heap),
            }
        case _:
            assert_never(heap)


def fit(name: str) -> _ffi.Fit:
    """``"first-align"`` as the core's enumerator."""
    return _ffi.Fit[name.upper().replace("-", "_")]


def _region(heap: CmaHeap | CarveoutHeap | ChunkHeap | SecureHeap) -> dict[str, object]:
    return {"base": heap.base, "size": heap.size, "granule": heap.granule}


def _carveout(heap: CarveoutHeap) -> dict[str, object]:
    flag = _ffi.HeapFlag
    flags = flag(0)
    flags |= flag.ZERO_AT_FREE if heap.zero == "free" else flag(0)
    flags |= flag.DEFERRED_FREE if heap.deferred_free else flag(0)
    flags |= flag.RETRY_DRAINED if heap.retry_drained else flag(0)
    return {
        "kind": _ffi.HeapKind.CARVEOUT,
        "fit": fit(heap.fit),
        "align": heap.align,
        "flags": flags,
        **_region(heap),
    }


def _system(heap: SystemHeap) -> dict[str, object]:
    spec: dict[str, object] = {
        "kind": _ffi.HeapKind.SYSTEM,
        "granule": _ffi.PAGE_SIZE,
        "n_orders": len(heap.orders),
        "order": heap.orders,
    }
    flags = _ffi.HeapFlag.UNCACHED if heap.uncached else _ffi.HeapFlag(0)
    pool = heap.pool
    if pool is None:
        return spec | {"flags": flags}
    flags |= _ffi.HeapFlag.POOLED
    if pool.deferred_free:
        flags |= _ffi.HeapFlag.DEFERRED_FREE
    return spec | {
        "flags": flags,
        "pool_fill": [pool.fill_of(order) for order in heap.orders],
        "pool_low": [pool.low_of(order) for order in heap.orders],
        "pool_limit": pool.limit or 0,
        "refill_defer_ns": pool.refill_defer_ns,
    }


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
