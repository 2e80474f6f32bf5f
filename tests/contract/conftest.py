# SPDX-License-Identifier: MIT
"""The contract is every heap's that the CPU may map; a kernel here has one of them."""

import pytest

import heapkit as hk
from heapkit import MiB
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
HEAPS = [
    (backend, kind.name)
    for backend in backends()
    for kind in (KINDS if backend == "sim" else KINDS[:1])
    if not isinstance(kind, hk.PageLoad)
]


@pytest.fixture
def every_kind():
    board = hk.Board(name="all", memory=hk.Memory(total=256 * MiB), heaps=KINDS)
    with hk.simulate(board) as heaps:
        yield heaps
        heaps.check()


def of(request):
    backend, name = request.param
    if backend == "sim":
        yield request.getfixturevalue("every_kind")[name]
        return
    with hk.live() as heaps:
        yield heaps[name]


@pytest.fixture(params=HEAPS, ids="-".join)
def heap(request):
    yield from of(request)


@pytest.fixture(params=[h for h in HEAPS if h[1] != "udmabuf"], ids="-".join)
def dma_heap(request):
    """Those of /dev/dma_heap: udmabuf rounds no size up, nor says ENOMEM of a limit."""
    yield from of(request)
