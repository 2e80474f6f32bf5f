# SPDX-License-Identifier: MIT
"""What only a running kernel shows of its ioctls: descriptors that nobody was told of.

The errno table itself is tests/contract, which runs here too.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from heapkit import ioctls, uapi
from heapkit.backends.live import DIRECTORY, LiveHeap, user_memory
from tests.contract.calls import ALLOC, SYNC, directed, error_of, request_of, sized
from tests.live.guest.open_files import numbers


def leaked(heap, command, argument):
    """The dma-bufs that a call left open, as buffers; and what it was answered."""
    before = numbers()
    code = error_of(heap.ioctl, command, argument)
    return code, [heap.adopt(fd) for fd in numbers() - before]


def test_struct_of_8_bytes_leaks_the_buffer(heap):
    code, (buffer,) = leaked(heap, sized(ALLOC, 8), request_of(room=8))
    with buffer:
        # O_RDONLY without O_CLOEXEC: fd_flags was not read either.
        assert (code, buffer.size) == (0, 4096)
        assert (buffer.fd_flags, buffer.close_on_exec) == (os.O_RDONLY, False)


def test_command_that_only_writes_loses_the_descriptor(heap):
    argument = request_of()
    code, (buffer,) = leaked(heap, directed(ALLOC, ioctls.WRITE), argument)
    with buffer:
        assert (code, argument) == (0, request_of())


def test_answer_without_a_place_is_efault_and_leaves_nothing(heap):
    # Until some release before 6.12.117 it left the buffer open.
    code, buffers = leaked(heap, ALLOC, bytes(request_of()))
    for buffer in buffers:
        buffer.close()
    assert (code, buffers) == (errno.EFAULT, [])


def test_sync_asked_of_a_heap_allocates(heap):
    code, (buffer,) = leaked(heap, SYNC, bytearray(uapi.sync_data(3).buffer))
    with buffer:
        assert (code, buffer.size) == (0, 4096)


@pytest.mark.parametrize("mode", [os.O_RDONLY, os.O_WRONLY])
def test_heap_allocates_however_it_was_opened(heap_name, heap, mode):
    fd = os.open(Path(DIRECTORY, heap_name), mode)
    argument = request_of()
    try:
        assert user_memory.call(fd, ALLOC, memoryview(argument), heap_name) == 0
    finally:
        os.close(fd)
    with heap.adopt(int.from_bytes(argument[8:12], "little")) as buffer:
        assert buffer.size == 4096


def test_heap_is_closed_to_other_users(heap_name):
    os.seteuid(65534)
    try:
        with pytest.raises(PermissionError):
            LiveHeap(Path(DIRECTORY, heap_name))
    finally:
        os.seteuid(0)


def test_what_is_no_dma_buf_is_not_adopted(heap):
    with Path("/proc/self/status").open("rb") as file:
        assert error_of(heap.adopt, file.fileno()) == errno.EINVAL
        assert file.read(5) == b"Name:"
    assert error_of(heap.adopt, heap.fileno()) == errno.EINVAL


def test_descriptor_that_has_an_owner_is_not_adopted(heap, buffer):
    assert error_of(heap.adopt, buffer.fd) == errno.EBUSY
    assert buffer.size == 124 * 1024


def test_oversized_request_is_refused_at_the_raw_door_too(heaps):
    for size in (1 << 40, 2**64 - 8192):
        code = error_of(heaps["system"].ioctl, ALLOC, request_of(size=size))
        assert code == errno.ENOMEM
