# SPDX-License-Identifier: MIT
"""``/sys/kernel/debug/dma_buf/bufinfo``: every dma-buf, also those only a driver has.

:mod:`heapkit.importers.bufinfo` reads the text, which has several generations.
"""

from __future__ import annotations

from heapkit.importers import bufinfo
from heapkit.introspection.tree import Root, tree_of
from heapkit.snapshot import Observation

name = "bufinfo"
path = "/sys/kernel/debug/dma_buf/bufinfo"
gives = "every buffer, also those no process holds; attached devices, fences"
needs = "CONFIG_DEBUG_FS and a kernel with dma-buf (CONFIG_DMA_SHARED_BUFFER)"

_FILE = path.removeprefix("/")


def read(root: Root = "/") -> Observation:
    """The buffers, newest first."""
    tree = tree_of(root)
    return bufinfo.parse(tree.text(_FILE), path=tree.path(_FILE))
