# SPDX-License-Identifier: MIT
"""``/sys/kernel/dma_heap/total_pools_kb``: what the pools of Android's heaps hold."""

from __future__ import annotations

from heapkit.introspection.tree import Root, tree_of
from heapkit.units import KiB

name = "pools"
path = "/sys/kernel/dma_heap/total_pools_kb"
gives = "bytes that page pools keep between a free and the next allocation"
needs = "an Android common kernel: mainline heaps keep no pools"

_FILE = path.removeprefix("/")


def read(root: Root = "/") -> int:
    """Bytes in all pools."""
    return tree_of(root).number(_FILE) * KiB
