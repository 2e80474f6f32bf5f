# SPDX-License-Identifier: MIT
"""Limits and enums of the core, each read from the library."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from heapkit._native import lib

PAGE_SHIFT = lib.HK_PAGE_SHIFT
PAGE_SIZE = 1 << PAGE_SHIFT
MAX_PAGE_ORDER = lib.HK_MAX_PAGE_ORDER
PAGEBLOCK_ORDER = lib.HK_PAGEBLOCK_ORDER
MAX_ORDERS = lib.HK_MAX_ORDERS
MAX_HEAPS = lib.HK_MAX_HEAPS
MAX_DEVICES = lib.HK_MAX_DEVICES
MAX_CMA_RANGES = lib.HK_MAX_CMA_RANGES
MAX_FINDINGS = lib.HK_MAX_FINDINGS  # of one event
NO_OWNER = 0xFFFF_FFFF  # hk_region.owner of a region that no buffer holds


class Op(IntEnum):
    """What an event of a trace does (``enum hk_op``)."""

    ALLOC = lib.HK_OP_ALLOC
    FREE = lib.HK_OP_FREE
    ATTACH = lib.HK_OP_ATTACH
    DETACH = lib.HK_OP_DETACH
    MAP = lib.HK_OP_MAP
    UNMAP = lib.HK_OP_UNMAP
    BEGIN_CPU = lib.HK_OP_BEGIN_CPU
    END_CPU = lib.HK_OP_END_CPU
    PRESSURE = lib.HK_OP_PRESSURE
    CPU_READ = lib.HK_OP_CPU_READ
    CPU_WRITE = lib.HK_OP_CPU_WRITE
    DEVICE_READ = lib.HK_OP_DEVICE_READ
    DEVICE_WRITE = lib.HK_OP_DEVICE_WRITE
    MMAP = lib.HK_OP_MMAP
    MUNMAP = lib.HK_OP_MUNMAP
    VMAP = lib.HK_OP_VMAP
    VUNMAP = lib.HK_OP_VUNMAP
    SHARE = lib.HK_OP_SHARE


class Access(IntFlag):
    """Who touches a buffer (``enum hk_access``; DMA_BUF_SYNC_READ, _WRITE).

    ``SKIP_SYNC`` on a MAP is DMA_ATTR_SKIP_CPU_SYNC.
    """

    READ = lib.HK_ACCESS_READ
    WRITE = lib.HK_ACCESS_WRITE
    SKIP_SYNC = lib.HK_ACCESS_SKIP_SYNC


READ_WRITE = Access.READ | Access.WRITE
# As the interface spells them.
ACCESS_OF = {"r": Access.READ, "w": Access.WRITE, "rw": READ_WRITE}


class HeapKind(IntEnum):
    """``enum hk_heap_kind``."""

    SYSTEM = lib.HK_HEAP_SYSTEM
    CMA = lib.HK_HEAP_CMA
    CARVEOUT = lib.HK_HEAP_CARVEOUT
    CHUNK = lib.HK_HEAP_CHUNK
    SECURE = lib.HK_HEAP_SECURE
    PAGES = lib.HK_HEAP_PAGES


class Fit(IntEnum):
    """The placement rules of lib/genalloc.c (``enum hk_fit``)."""

    FIRST = lib.HK_FIT_FIRST
    BEST = lib.HK_FIT_BEST
    FIRST_ALIGN = lib.HK_FIT_FIRST_ALIGN
    ORDER_ALIGN = lib.HK_FIT_ORDER_ALIGN


class HeapFlag(IntFlag):
    """``enum hk_heap_flag``."""

    POOLED = lib.HK_HEAP_POOLED
    DEFERRED_FREE = lib.HK_HEAP_DEFERRED_FREE
    UNCACHED = lib.HK_HEAP_UNCACHED
    ZERO_AT_FREE = lib.HK_HEAP_ZERO_AT_FREE
    RETRY_DRAINED = lib.HK_HEAP_RETRY_DRAINED
    PINNED = lib.HK_HEAP_PINNED
    CLEAN = lib.HK_HEAP_CLEAN
    DIRTY = lib.HK_HEAP_DIRTY
    DISCARD = lib.HK_HEAP_DISCARD
    PROTECTED = lib.HK_HEAP_PROTECTED
    UNWIND_TO_POOL = lib.HK_HEAP_UNWIND_TO_POOL
    SHRINK_LARGEST = lib.HK_HEAP_SHRINK_LARGEST
    MEMFD = lib.HK_HEAP_MEMFD


class SyncFlag(IntFlag):
    """How a board keeps caches and memory alike (``enum hk_sync_flag``)."""

    EVERY_ATTACHMENT = lib.HK_SYNC_EVERY_ATTACHMENT
    BEFORE_5_19 = lib.HK_SYNC_BEFORE_5_19
    LAZY = lib.HK_SYNC_LAZY


class FindingKind(IntEnum):
    """What nobody should rely on (``enum hk_finding_kind``)."""

    STALE_CPU_READ = lib.HK_STALE_CPU_READ
    STALE_DEVICE_READ = lib.HK_STALE_DEVICE_READ
    LOST_CPU_WRITE = lib.HK_LOST_CPU_WRITE
    LOST_DEVICE_WRITE = lib.HK_LOST_DEVICE_WRITE
    UNMAPPED_DEVICE = lib.HK_UNMAPPED_DEVICE
    END_WITHOUT_BEGIN = lib.HK_END_WITHOUT_BEGIN
    NESTED_BEGIN = lib.HK_NESTED_BEGIN
    DIRECTION_MISMATCH = lib.HK_DIRECTION_MISMATCH
    OPEN_AT_FREE = lib.HK_OPEN_AT_FREE
    MAPPED_AT_FREE = lib.HK_MAPPED_AT_FREE
    SNOOPED_STALE = lib.HK_SNOOPED_STALE


class Migratetype(IntEnum):
    """How movable pages are (``enum hk_migratetype``); loads: the first three."""

    UNMOVABLE = lib.HK_MIGRATE_UNMOVABLE
    MOVABLE = lib.HK_MIGRATE_MOVABLE
    RECLAIMABLE = lib.HK_MIGRATE_RECLAIMABLE
    CMA = lib.HK_MIGRATE_CMA
    ISOLATE = lib.HK_MIGRATE_ISOLATE


class State(IntEnum):
    """What a region is (``enum hk_region_state``)."""

    FREE = lib.HK_REGION_FREE
    USED = lib.HK_REGION_USED
    POOL = lib.HK_REGION_POOL
    DEFERRED = lib.HK_REGION_DEFERRED
    LEAKED = lib.HK_REGION_LEAKED


class TraceRule(IntEnum):
    """Why :func:`check_trace` refuses an event (``enum hk_trace_rule``)."""

    UNKNOWN_OP = lib.HK_TRACE_UNKNOWN_OP
    TIME_BACKWARDS = lib.HK_TRACE_TIME_BACKWARDS
    SIZE_ZERO = lib.HK_TRACE_SIZE_ZERO
    SIZE_HUGE = lib.HK_TRACE_SIZE_HUGE
    BUFFER_RANGE = lib.HK_TRACE_BUFFER_RANGE
    BUFFER_LIVE = lib.HK_TRACE_BUFFER_LIVE
    BUFFER_UNKNOWN = lib.HK_TRACE_BUFFER_UNKNOWN
    CHAIN_RANGE = lib.HK_TRACE_CHAIN_RANGE
    DEVICE_RANGE = lib.HK_TRACE_DEVICE_RANGE
    ACCESS = lib.HK_TRACE_ACCESS
