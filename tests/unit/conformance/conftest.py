# SPDX-License-Identifier: MIT
"""A heap of each kind, and a heap that does what it is told to."""

import threading

import pytest

import heapkit as hk
from heapkit import MiB

KINDS = (
    hk.SystemHeap(),
    hk.SystemHeap(name="system-pooled", pool=hk.PagePool()),
    hk.SystemHeap(name="system-uncached", uncached=True),
    hk.SystemHeap(name="system_cc_shared", encrypted=True),
    hk.UdmabufHeap(),
    hk.CmaHeap(size=64 * MiB),
    hk.CmaHeap(name="chunks", size=16 * MiB, chunk=65536),
    hk.CarveoutHeap(name="camera", size=16 * MiB, base=0x1_0000_0000),
    hk.ChunkHeap(name="video", size=16 * MiB),
    hk.SecureHeap(name="protected,secure-video", size=8 * MiB),
)
NAMES = [heap.name for heap in KINDS]


@pytest.fixture(scope="session")
def every_kind():
    return hk.Board(name="all", memory=hk.Memory(total=512 * MiB), heaps=KINDS)


@pytest.fixture
def small():
    """One heap, for what is not about heaps."""
    heaps = (hk.SystemHeap(),)
    return hk.Board(name="small", memory=hk.Memory(total=128 * MiB), heaps=heaps)


class HostileHeap:
    """A heap of no backend; every use calls ``does``."""

    name = "system"

    def __init__(self, does):
        self._does = does

    def __getattr__(self, name):
        return lambda *_, **__: self._does()


@pytest.fixture
def hostile():
    """Heaps whose every operation calls the function."""
    return lambda does: {"system": HostileHeap(does)}


@pytest.fixture
def silence():
    """A function that does not return before the test is over."""
    over = threading.Event()
    yield over.wait
    over.set()
