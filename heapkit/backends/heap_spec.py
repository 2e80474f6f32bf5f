# SPDX-License-Identifier: MIT
"""A heap of a board as the C core takes it: ``struct hk_heap_spec``."""

from __future__ import annotations

from typing import assert_never

from heapkit import _ffi
from heapkit.board import Board
from heapkit.board_parts import (
    CarveoutHeap,
    ChunkHeap,
    CmaHeap,
    Heap,
    PagedHeap,
    PageLoad,
    RegionHeap,
    SecureHeap,
    SystemHeap,
    UdmabufHeap,
)

_flag = _ffi.HeapFlag


def heap_spec(heap: Heap, board: Board) -> dict[str, object]:
    """``struct hk_heap_spec`` as a mapping of its fields; those left out are 0."""
    if isinstance(heap, PagedHeap):
        return _paged(heap, board)
    return {**_region(heap), "base": heap.base, "size": heap.size}


def _paged(heap: PagedHeap, board: Board) -> dict[str, object]:
    match heap:
        case SystemHeap():
            return _system(heap, board)
        case UdmabufHeap():
            return {
                "kind": _ffi.HeapKind.SYSTEM,
                "granule": _ffi.PAGE_SIZE,
                "n_orders": 1,
                "order": [0],
                "flags": _flag.MEMFD,
                "size_limit": heap.size_limit,
            }
        case PageLoad():
            return {
                "kind": _ffi.HeapKind.PAGES,
                "flags": _load_flags(heap),
                "mapcount": heap.mapcount,
                "n_orders": 1,
                "order": [heap.order],
                "migratetype": _ffi.Migratetype[heap.migratetype.upper()],
            }
        case _:
            assert_never(heap)


def _region(heap: RegionHeap) -> dict[str, object]:
    match heap:
        case CmaHeap():
            return {
                "kind": _ffi.HeapKind.CMA,
                "granule": heap.granule,
                "alignment_order": heap.alignment_order,
                "n_ranges": len(heap.ranges),
                "range": [{"base": b, "size": s} for b, s in heap.ranges],
                "chunk": heap.chunk or 0,
                "flags": _flags(UNCACHED=heap.uncached, DISCARD=heap.discard),
            }
        case CarveoutHeap():
            return _carveout(heap)
        case ChunkHeap():
            zero_at_free = heap.zero == "free"
            return {
                "kind": _ffi.HeapKind.CHUNK,
                "granule": heap.granule,
                "flags": _flags(UNCACHED=heap.uncached, ZERO_AT_FREE=zero_at_free),
            }
        case SecureHeap():
            return _secure(heap)
        case _:
            assert_never(heap)


def _flags(**wanted: bool) -> _ffi.HeapFlag:
    """Those flags of ``enum hk_heap_flag`` that are wanted."""
    flags = _ffi.HeapFlag(0)
    for name, is_set in wanted.items():
        flags |= _ffi.HeapFlag[name] if is_set else _ffi.HeapFlag(0)
    return flags


def fit(name: str) -> _ffi.Fit:
    """``"first-align"`` as the core's enumerator."""
    return _ffi.Fit[name.upper().replace("-", "_")]


def _carveout(heap: CarveoutHeap) -> dict[str, object]:
    return {
        "kind": _ffi.HeapKind.CARVEOUT,
        "granule": heap.granule,
        "fit": fit(heap.fit),
        "align": heap.align,
        "flags": _flags(
            UNCACHED=heap.uncached,
            ZERO_AT_FREE=heap.zero == "free",
            DEFERRED_FREE=heap.deferred_free,
            RETRY_DRAINED=heap.retry_drained,
        ),
    }


def _secure(heap: SecureHeap) -> dict[str, object]:
    failures = heap.handback_failures
    return {
        "kind": _ffi.HeapKind.SECURE,
        "granule": heap.granule,
        "fit": fit(heap.fit),
        "align": heap.align,
        "flags": _flags(PROTECTED=failures is not None),
        "failures": _of_2_32(failures or 0),
    }


def _of_2_32(share: float) -> int:
    return min(round(share * 2**32), 2**32 - 1)


def _load_flags(heap: PageLoad) -> _ffi.HeapFlag:
    return _flags(PINNED=heap.pinned, CLEAN=heap.clean, DIRTY=heap.dirty)


def _system(heap: SystemHeap, board: Board) -> dict[str, object]:
    memory, pool = board.memory.total if board.memory else 0, heap.pool
    spec: dict[str, object] = {
        "kind": _ffi.HeapKind.SYSTEM,
        "granule": _ffi.PAGE_SIZE,
        "n_orders": len(heap.orders),
        "order": heap.orders,
        "failures": _of_2_32(heap.reencrypt_failures),
        "size_limit": memory // 2 if heap.max_share == "half" else 0,
        "flags": _flags(
            UNCACHED=heap.uncached,
            PROTECTED=heap.encrypted,
            POOLED=pool is not None,
            DEFERRED_FREE=pool is not None and pool.deferred_free,
            UNWIND_TO_POOL=pool is not None and pool.unwind == "pool",
            SHRINK_LARGEST=pool is not None and pool.shrink == "descending",
        ),
    }
    if pool is None:
        return spec
    return spec | {
        "pool_fill": [pool.fill_of(order) for order in heap.orders],
        "pool_low": [pool.low_of(order) for order in heap.orders],
        "pool_limit": pool.limit or 0,
        "refill_defer_ns": pool.refill_defer_ns,
    }
