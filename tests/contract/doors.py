# SPDX-License-Identifier: MIT
"""Which heaps the contract is asked of: every kind, a few, or one on each backend.

What depends on the kind of heap is asked of all. The errnos of the ioctls are the same
code for every heap: a few kinds that differ in how they take and map memory are enough,
and one for what never reaches the heap.
"""

from __future__ import annotations

import heapkit as hk
from heapkit import MiB
from heapkit.backends import live
from tests.conftest import backends

KINDS = (
    hk.SystemHeap(),
    hk.SystemHeap(name="system-pooled", pool=hk.PagePool()),
    hk.SystemHeap(name="system-uncached", uncached=True),
    hk.SystemHeap(name="system_cc_shared", encrypted=True),
    hk.UdmabufHeap(),
    hk.CmaHeap(size=16 * MiB),
    hk.CmaHeap(name="chunks", size=16 * MiB, chunk=65536),
    hk.CmaHeap(name="discards", size=16 * MiB, discard=True),
    hk.CarveoutHeap(name="camera", size=16 * MiB, base=0x1_0000_0000),
    hk.ChunkHeap(name="video", size=16 * MiB),
    hk.PageLoad(name="cache", clean=True),
)
DIFFERENT = ("system", "default_cma_region", "camera")


def kernel_heaps():
    """Those of /dev/dma_heap, in our own guest."""
    if "live" not in backends():
        return []
    with hk.live() as heaps:
        return [("live", name) for name in heaps]


def kernel_udmabuf():
    there = "live" in backends() and live.missing_udmabuf() is None
    return [("live", "udmabuf")] if there else []


SIMULATED = [("sim", k.name) for k in KINDS if not isinstance(k, hk.PageLoad)]
DMA_HEAPS = [door for door in SIMULATED if door[1] != "udmabuf"] + kernel_heaps()
EVERY = SIMULATED + kernel_heaps() + kernel_udmabuf()
FEW = [("sim", name) for name in DIFFERENT] + kernel_heaps()
ONE = [(backend, "system") for backend in backends()]


def of(request):
    """The heap of a fixture that has one of these lists as its parameters."""
    backend, name = request.param
    if backend == "sim":
        yield request.getfixturevalue("every_kind")[name]
    elif name == "udmabuf":
        with hk.udmabuf() as heap:
            yield heap
    else:
        with hk.live() as heaps:
            yield heaps[name]
