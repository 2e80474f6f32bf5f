# SPDX-License-Identifier: MIT
"""ioctl(2) as a C program calls it, on a pipe, which every kernel has."""

from __future__ import annotations

import errno
import os
import struct
import termios

import pytest

from heapkit.backends.live import user_memory
from tests.contract.calls import error_of

WRITES, READS = termios.FIONREAD, termios.FIONBIO  # an int, seen from the kernel


@pytest.fixture
def pipe():
    here, there = os.pipe()
    os.write(there, b"12345")
    yield here
    os.close(here)
    os.close(there)


def call(fd, command, argument):
    view = None if argument is None else memoryview(argument)
    return user_memory.call(fd, command, view, "pipe")


def test_the_answer_is_in_the_argument(pipe):
    argument = bytearray(4)
    assert call(pipe, WRITES, argument) == 0
    assert struct.unpack("i", argument) == (5,)


def test_what_follows_the_answer_is_untouched(pipe):
    argument = bytearray(b"....after")
    call(pipe, WRITES, argument)
    assert argument[4:] == b"after"


def test_a_part_of_an_object_is_an_argument(pipe):
    whole = bytearray(12)
    call(pipe, WRITES, memoryview(whole)[4:8])
    assert struct.unpack("iii", whole) == (0, 5, 0)


@pytest.mark.parametrize("command", [WRITES, READS])
@pytest.mark.parametrize("argument", [None, b"", bytearray(3)], ids=repr)
def test_what_is_not_there_is_efault(pipe, command, argument):
    assert error_of(call, pipe, command, argument) == errno.EFAULT


def test_read_only_bytes_can_be_read_and_not_written(pipe):
    assert call(pipe, READS, struct.pack("i", 1)) == 0
    assert not os.get_blocking(pipe)
    kept = bytes(4)
    assert error_of(call, pipe, WRITES, kept) == errno.EFAULT
    assert kept == bytes(4)


def test_an_argument_of_pages_ends_where_it_ends(pipe):
    argument = bytearray(3 * 4096 + 1)
    assert call(pipe, WRITES, argument) == 0
    assert struct.unpack_from("i", argument) == (5,)


def test_a_refusal_says_what_was_asked(pipe):
    with pytest.raises(OSError, match="pipe"):
        call(pipe, 0x40086200, bytearray(8))
