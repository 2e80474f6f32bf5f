# SPDX-License-Identifier: MIT
"""What the kernel answers to its ioctls: drivers/dma-buf/dma-{heap,buf}.c, asked."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

import pytest

from heapkit import uapi

ALLOC = uapi.DMA_HEAP_IOCTL_ALLOC
SYNC = uapi.DMA_BUF_IOCTL_SYNC
SIZE_SHIFT = 16  # _IOC_SIZESHIFT of asm-generic/ioctl.h


def sized(request, size):
    """``request`` as if its struct had ``size`` bytes."""
    return request & ~(0x3FFF << SIZE_SHIFT) | size << SIZE_SHIFT


def error_of(fd, request, argument):
    try:
        fcntl.ioctl(fd, request, argument)
    except OSError as error:
        return error.errno
    return 0


def allocated(heap, request, argument):
    """The descriptor the kernel wrote into ``argument``, closed again."""
    fcntl.ioctl(heap.fileno(), request, argument)
    (fd,) = struct.unpack_from("=I", argument, 8)
    mode = fcntl.fcntl(fd, fcntl.F_GETFL), fcntl.fcntl(fd, fcntl.F_GETFD)
    os.close(fd)
    return mode


@pytest.mark.parametrize("size", [0, 2**64 - 1, 2**64 - 4095])
def test_a_size_that_rounds_to_nothing_is_invalid(heap, size):
    with pytest.raises(OSError, match="Invalid") as raised:
        heap.allocate(size)
    assert raised.value.errno == errno.EINVAL


@pytest.mark.parametrize("flags", [1, 0x111111, 2**63])
def test_no_heap_flag_is_valid(heap, flags):
    with pytest.raises(OSError, match="Invalid") as raised:
        heap.allocate(4096, heap_flags=flags)
    assert raised.value.errno == errno.EINVAL


@pytest.mark.parametrize("fd", [1, 0xFFFFFFFF])
def test_a_request_must_not_bring_a_descriptor(heap, fd):
    request = uapi.allocation_data(len=4096, fd=fd, fd_flags=os.O_RDWR)
    assert error_of(heap.fileno(), ALLOC, request.buffer) == errno.EINVAL


@pytest.mark.parametrize("flag", [os.O_NONBLOCK, 1 << 31])
def test_other_descriptor_flags_are_invalid(heap, flag):
    assert not flag & uapi.DMA_HEAP_VALID_FD_FLAGS
    request = uapi.allocation_data(len=4096, fd_flags=os.O_RDWR | flag)
    assert error_of(heap.fileno(), ALLOC, request.buffer) == errno.EINVAL


@pytest.mark.parametrize("mode", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR])
def test_the_descriptor_has_the_access_mode_asked_for(heap, mode):
    request = uapi.allocation_data(len=4096, fd_flags=mode)
    flags, close_on_exec = allocated(heap, ALLOC, request.buffer)
    assert flags & os.O_ACCMODE == mode
    assert close_on_exec == 0


@pytest.mark.parametrize("size", [16, 20, 24, 32, 64, 256])
def test_structs_of_older_and_newer_kernels_are_taken(heap, size):
    # What the caller's struct lacks is zero, what it has beyond 24 is ignored.
    full = struct.pack("=QIIQ", 4096, 0, os.O_RDWR | os.O_CLOEXEC, 0)
    argument = bytearray((full + b"\xaa" * size)[:size])
    _, close_on_exec = allocated(heap, sized(ALLOC, size), argument)
    assert close_on_exec == fcntl.FD_CLOEXEC


def test_the_size_in_the_request_is_not_rounded(heap):
    request = uapi.allocation_data(len=5000, fd_flags=os.O_RDWR)
    allocated(heap, ALLOC, request.buffer)
    assert request["len"] == 5000


def test_a_heap_knows_one_ioctl(heap):
    assert error_of(heap.fileno(), ALLOC + 1, bytearray(24)) == errno.EINVAL


def test_a_buffer_does_not_know_other_ioctls(buffer):
    assert error_of(buffer.fileno(), SYNC + 99, bytearray(8)) == errno.ENOTTY


@pytest.mark.parametrize("flags", [0, uapi.Sync.END, 8 | uapi.Sync.READ, 1 << 63])
def test_sync_wants_a_direction_and_nothing_unknown(buffer, flags):
    argument = uapi.sync_data(flags).buffer
    assert error_of(buffer.fileno(), SYNC, argument) == errno.EINVAL


def test_a_buffer_is_not_read_written_or_resized(buffer):
    fd = buffer.fileno()
    for use in (
        lambda: os.read(fd, 1),
        lambda: os.write(fd, b"x"),
        lambda: os.ftruncate(fd, 4096),
    ):
        with pytest.raises(OSError, match="Invalid argument"):
            use()


@pytest.mark.parametrize(("offset", "whence"), [(1, os.SEEK_SET), (1, os.SEEK_END)])
def test_a_buffer_seeks_to_its_ends_only(buffer, offset, whence):
    with pytest.raises(OSError, match="Invalid argument"):
        os.lseek(buffer.fileno(), offset, whence)
