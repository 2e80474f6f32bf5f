# SPDX-License-Identifier: MIT
"""udmabuf as a heap: which memfd it makes, and what becomes of it."""

from __future__ import annotations

import errno
import fcntl
import os

import pytest

import heapkit as hk
from heapkit.ioctls import UDMABUF_CREATE, UDMABUF_CREATE_DATA
from tests.contract.calls import error_of
from tests.unit.live.closed import closed


@pytest.fixture
def udmabuf(kernel):
    kernel.add("udmabuf")
    with hk.udmabuf(kernel.directory / "udmabuf") as heap:
        yield heap


@pytest.fixture
def requests(kernel):
    def parsed():
        found = kernel.requests(UDMABUF_CREATE)
        return [UDMABUF_CREATE_DATA.unpack(request) for request in found]

    return parsed


def test_a_buffer_is_a_sealed_memfd_of_its_size(udmabuf, requests):
    with udmabuf.allocate(8192) as buffer:
        # The stand-in returns the memfd itself.
        assert fcntl.fcntl(buffer.fd, fcntl.F_GET_SEALS) == fcntl.F_SEAL_SHRINK
        assert buffer.size == 8192
    ((_, flags, offset, size),) = requests()
    assert (flags, offset, size) == (1, 0, 8192)


def test_the_memfd_is_closed_whatever_the_device_says(udmabuf, requests, kernel):
    kernel.refusals = [errno.EINVAL]
    assert error_of(udmabuf.allocate, 4096) == errno.EINVAL
    udmabuf.allocate(4096).close()
    assert all(closed(memfd) for memfd, *_ in requests())


@pytest.mark.parametrize("size", [2**63, 2**64 - 1])
def test_a_size_that_no_file_has_is_einval(udmabuf, requests, size):
    assert error_of(udmabuf.allocate, size) == errno.EINVAL
    assert requests() == []


@pytest.mark.parametrize(
    "wrong", [{"heap_flags": 1}, {"fd_flags": os.O_RDONLY}, {"fd_flags": 1 << 31}]
)
def test_flags_that_it_has_not_are_einval(udmabuf, requests, wrong):
    assert error_of(udmabuf.allocate, 4096, **wrong) == errno.EINVAL
    assert requests() == []


def test_a_descriptor_that_stays_open_on_exec_is_asked_for(udmabuf, requests):
    udmabuf.allocate(4096, fd_flags=os.O_RDWR).close()
    assert requests()[0][1] == 0


@pytest.mark.parametrize("size", [-1, True, 1.5, None, 2**64])
def test_what_is_no_size_is_a_value_error(udmabuf, size):
    with pytest.raises(ValueError, match="size="):
        udmabuf.allocate(size)


def test_closing_the_heap_closes_its_buffers(udmabuf):
    kept = udmabuf.allocate(4096)
    udmabuf.close()
    assert error_of(kept.mmap) == errno.EBADF
