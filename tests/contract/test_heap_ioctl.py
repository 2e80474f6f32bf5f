# SPDX-License-Identifier: MIT
"""Each row of the kernel's errno table that a heap answers, on both backends.

Recorded on Linux 6.12 and 7.3, the same for system and CMA heaps.
"""

from __future__ import annotations

import errno
import os
import select
import struct

import pytest

from heapkit import ioctls
from tests.contract.calls import (
    ALLOC,
    RW,
    directed,
    error_of,
    fd_in,
    request_of,
    sized,
)

REFUSED = {
    "len 0": {"size": 0},
    "len that wraps when it is rounded up": {"size": 2**64 - 1},
    "fd 1": {"fd": 1},
    "fd -1": {"fd": 0xFFFFFFFF},
    "heap_flags bit 0": {"heap_flags": 1},
    "heap_flags bit 63": {"heap_flags": 1 << 63},
    "fd_flags O_NONBLOCK": {"fd_flags": RW | os.O_NONBLOCK},
    "fd_flags bit 31": {"fd_flags": 1 << 31},
}


@pytest.mark.parametrize("case", REFUSED)
def test_alloc_is_einval_and_writes_nothing_with(different, case):
    before = request_of(**REFUSED[case])
    argument = bytearray(before)
    assert error_of(different.ioctl, ALLOC, argument) == errno.EINVAL
    assert argument == before


@pytest.mark.parametrize("mode", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, 3])
def test_access_mode_asked_for_is_the_buffers(different, mode):
    argument = request_of(fd_flags=mode)
    assert different.ioctl(ALLOC, argument) == 0
    with different.adopt(fd_in(argument)) as buffer:
        assert (buffer.fd_flags, buffer.close_on_exec) == (mode, False)


@pytest.mark.parametrize("flag", [0, os.O_CLOEXEC])
def test_close_on_exec_is_set_when_it_is_asked_for(system, flag):
    with system.allocate(4096, fd_flags=os.O_RDWR | flag) as buffer:
        assert buffer.close_on_exec == bool(flag)


@pytest.mark.parametrize("flag", [os.O_NONBLOCK, 1 << 31])
def test_other_descriptor_flags_are_einval(system, flag):
    code = error_of(system.allocate, 4096, fd_flags=os.O_RDWR | flag)
    assert code == errno.EINVAL


@pytest.mark.parametrize("flags", [-1, 2**32, True, 1.5])
def test_what_are_no_32_descriptor_flags_is_a_value_error(system, flags):
    with pytest.raises(ValueError, match="fd_flags=") as caught:
        system.allocate(4096, fd_flags=flags)
    assert not isinstance(caught.value, OSError)


def test_length_in_the_answer_is_not_rounded(different):
    argument = request_of(size=5000)
    different.ioctl(ALLOC, argument)
    assert struct.unpack_from("=Q", argument)[0] == 5000
    with different.adopt(fd_in(argument)) as buffer:
        assert buffer.size == 8192


@pytest.mark.parametrize("argument", [None, bytearray(23)], ids=["NULL", "short"])
def test_struct_that_is_not_all_there_is_efault(different, argument):
    assert error_of(different.ioctl, ALLOC, argument) == errno.EFAULT


@pytest.mark.parametrize("size", [16, 20, 32, 64, 256])
def test_structs_of_other_sizes_are_taken_and_their_tails_kept(different, size):
    argument = request_of(room=size)
    assert different.ioctl(sized(ALLOC, size), argument) == 0
    assert argument[24:] == b"\xaa" * max(size - 24, 0)
    with different.adopt(fd_in(argument)) as buffer:
        assert (buffer.size, buffer.close_on_exec) == (4096, True)


def test_command_without_a_direction_is_einval_even_with_null(system):
    assert error_of(system.ioctl, directed(ALLOC, 0), None) == errno.EINVAL


def test_command_that_only_reads_is_einval_and_writes_nothing(system):
    argument = request_of()
    command = directed(ALLOC, ioctls.READ)
    assert error_of(system.ioctl, command, argument) == errno.EINVAL
    assert argument == request_of()


def test_answer_without_a_place_is_efault_once_nothing_else_is_wrong(system):
    # Linux 6.12.117; before it an answer was written after a failure too.
    assert error_of(system.ioctl, ALLOC, bytes(request_of(size=0))) == errno.EINVAL
    assert error_of(system.ioctl, ALLOC, bytes(request_of())) == errno.EFAULT


def test_another_nr_is_einval(different):
    assert error_of(different.ioctl, ALLOC + 1, request_of()) == errno.EINVAL


def test_type_byte_is_not_looked_at(different):
    argument = request_of()
    assert different.ioctl(ALLOC & ~0xFF00 | ord("I") << 8, argument) == 0
    with different.adopt(fd_in(argument)) as buffer:
        assert buffer.exp_name == different.name


def test_alloc_of_more_than_there_is_is_enomem(different):
    assert error_of(different.ioctl, ALLOC, request_of(size=1 << 50)) == errno.ENOMEM


@pytest.mark.parametrize("command", [-1, 2**32, 1.5, True, None])
def test_command_is_a_number_of_32_bits(system, command):
    with pytest.raises(ValueError, match="cmd="):
        system.ioctl(command, None)


@pytest.mark.parametrize("argument", [0, 4096, "text", [1]])
def test_argument_is_bytes_or_none(system, argument):
    with pytest.raises(ValueError, match="arg="):
        system.ioctl(ALLOC, argument)


def test_descriptor_of_something_else_is_not_adopted(system):
    assert error_of(system.adopt, -1) == errno.EBADF
    assert error_of(system.adopt, 10**6) == errno.EBADF


@pytest.mark.parametrize("fd", [True, 1.0, "3", None, 2**40])
def test_what_is_no_descriptor_is_a_value_error(system, fd):
    with pytest.raises(ValueError, match="fd="):
        system.adopt(fd)


@pytest.mark.parametrize(
    ("use", "code"),
    [
        ("read", errno.EINVAL),
        ("write", errno.EINVAL),
        ("lseek", errno.ESPIPE),
        ("mmap", errno.ENODEV),
    ],
)
def test_heap_is_no_file_to(different, use, code):
    assert error_of(getattr(different, use)) == code


def test_heap_is_always_ready(different):
    assert different.poll() == select.POLLIN | select.POLLOUT
