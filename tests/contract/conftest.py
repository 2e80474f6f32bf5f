# SPDX-License-Identifier: MIT
"""The contract is every heap's that the CPU may map; a kernel here has some of them."""

import pytest

import heapkit as hk
from heapkit import MiB
from tests.contract import doors


@pytest.fixture
def every_kind():
    board = hk.Board(name="all", memory=hk.Memory(total=256 * MiB), heaps=doors.KINDS)
    with hk.simulate(board) as heaps:
        yield heaps
        heaps.check()


@pytest.fixture(params=doors.EVERY, ids="-".join)
def heap(request):
    yield from doors.of(request)


@pytest.fixture(params=doors.DMA_HEAPS, ids="-".join)
def dma_heap(request):
    """Those of /dev/dma_heap: udmabuf rounds no size up, nor says ENOMEM of a limit."""
    yield from doors.of(request)


@pytest.fixture(params=doors.FEW, ids="-".join)
def different(request):
    """A few heaps of /dev/dma_heap, where all of them have the same code to answer."""
    yield from doors.of(request)


@pytest.fixture(params=doors.ONE, ids="-".join)
def system(request):
    """One heap, where no heap is asked."""
    yield from doors.of(request)
