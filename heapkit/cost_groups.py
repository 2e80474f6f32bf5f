# SPDX-License-Identifier: MIT
"""What the constants of ``board.costs`` are paid for, in words: the parts of a latency.

Constants are many and some are seldom charged; a picture and a sentence name the
*part* that they belong to. Each constant that an event can be charged is in one.
"""

from __future__ import annotations

from collections.abc import Mapping

# In the order in which they are stacked and listed: an allocation from its call to
# its last page, then what is done with the buffer.
GROUPS: dict[str, tuple[str, ...]] = {
    "calls": ("allocate_call", "free_call", "sync_call"),
    "page allocator": ("buddy_block", "buddy_split", "buddy_page", "memfd_page"),
    "pools": ("pool_block",),
    "zeroing": ("zero_page", "zero_page_64k", "zero_page_1m"),
    "reclaim": ("reclaim_page",),
    "contiguous placement": ("gen_pool_call", "cma_call", "cma_page", "cma_retry"),
    "moving pages": ("migrate_page", "unmap_mapping", "discard_page"),
    "protection": ("protect_page",),
    "device mapping": (
        *("attach_call", "attach_entry", "map_entry", "unmap_entry"),
        *("iommu_map_entry", "iommu_unmap_entry"),
    ),
    "barriers": ("sync_entry",),
    "cache lines": ("clean_line", "invalidate_line", "dirty_line"),
    "CPU mapping": ("mmap_call", "mmap_page", "mmap_entry", "vmap_call", "vmap_page"),
    "CPU access": ("cpu_read_line", "cpu_write_line", "uncached_read_line"),
}
GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}


def by_group(ns: Mapping[str, float]) -> dict[str, float]:
    """Nanoseconds of each part, from those of each constant; parts without any not."""
    return {
        group: sum(ns.get(name, 0.0) for name in names)
        for group, names in GROUPS.items()
        if any(name in ns for name in names)
    }


def largest(ns: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    """The ``count`` most expensive parts of :func:`by_group`, that cost anything."""
    parts = sorted(by_group(ns).items(), key=lambda part: part[1], reverse=True)
    return [part for part in parts[:count] if part[1] > 0]
