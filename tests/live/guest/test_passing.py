# SPDX-License-Identifier: MIT
"""A buffer in another process, through a unix socket."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from tests.contract.calls import error_of
from tests.live.guest.open_files import bufinfo, few_numbers, numbers


@pytest.fixture
def pair():
    here, there = socket.socketpair()
    with here, there:
        there.settimeout(60)
        yield here, there


def listed(number):
    return number in {b.inode for b in bufinfo().buffers}


def test_another_process_writes_what_we_read(heaps, buffer, pair):
    child = os.fork()
    if not child:
        with heaps.receive(pair[1]) as received:
            received.set_name("child")
            received.mmap()[:5] = b"child"
            received.send(pair[1])
        os._exit(0)
    buffer.send(pair[0])
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with heaps.receive(pair[0]) as back:
        assert back.ino == buffer.ino
    assert bytes(buffer.mmap()[:5]) == b"child"
    assert buffer.name == "child"


def test_a_message_holds_the_buffer_until_the_socket_goes(heap):
    here, there = socket.socketpair()
    with heap.allocate(4096) as buffer:
        number = buffer.ino
        buffer.send(here)
    assert listed(number)
    here.close()
    there.close()
    assert not listed(number)


def test_another_file_is_refused_and_closed(heaps, pair):
    before = len(numbers())
    with Path("/proc/self/status").open("rb") as file:
        socket.send_fds(pair[0], [b"!"], [file.fileno()])
    assert error_of(heaps.receive, pair[1]) == errno.EINVAL
    assert len(numbers()) == before


def test_two_buffers_in_a_message_are_too_many(heaps, heap, pair):
    with heap.allocate(4096) as one, heap.allocate(4096) as other:
        before = len(numbers())
        socket.send_fds(pair[0], [b"!"], [one.fd, other.fd])
        assert error_of(heaps.receive, pair[1]) == errno.EMSGSIZE
        assert len(numbers()) == before


def test_a_process_without_a_free_number_says_emfile(heaps, buffer, pair):
    buffer.send(pair[0])
    with few_numbers(0):
        assert error_of(heaps.receive, pair[1]) == errno.EMFILE
