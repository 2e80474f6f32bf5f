# SPDX-License-Identifier: MIT
"""Who else uses the memory, and what keeps their view and the CPU's alike."""

from __future__ import annotations

from dataclasses import dataclass

from heapkit import arguments as check
from heapkit.board_parts.fields import set_booleans


@dataclass(frozen=True)
class Device:
    """Something that maps buffers; a ``coherent`` one needs no maintenance.

    The mappings of one behind an ``iommu`` cost more: entries of its page table.
    """

    name: str
    coherent: bool = False
    iommu: bool = False

    def __post_init__(self) -> None:
        name = check.file_name("Device", "name", self.name)
        owner = f"Device {name!r}"
        set_booleans(self, owner, "coherent", "iommu")


@dataclass(frozen=True, kw_only=True)
class SyncRules:
    """How a kernel keeps caches and memory alike, for all heaps of a board.

    ``attachments`` that BEGIN_CPU and END_CPU maintain: "mapped" ones, as every heap
    since Linux 5.11 (system_heap.c), or "all", as heap-helpers.c of 2019 and ION
    from 4.12 on. ``arm64``: since "5.19" (commit c50f11c6) END_CPU always cleans;
    "before", END_CPU after reading invalidated. ``lazy`` is no kernel's: a pass only
    where the CPU, or a device, has been there since the last one, once for all
    devices, as the 2019 thread asked for.
    """

    attachments: str = "mapped"
    arm64: str = "5.19"
    lazy: bool = False

    def __post_init__(self) -> None:
        check.choice("SyncRules", "attachments", self.attachments, ("mapped", "all"))
        check.choice("SyncRules", "arm64", self.arm64, ("5.19", "before"))
        set_booleans(self, "SyncRules", "lazy")
