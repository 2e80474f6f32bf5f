# SPDX-License-Identifier: MIT
"""A buffer through a unix socket, on both backends."""

from __future__ import annotations

import errno
import socket

import pytest

from tests.contract.calls import error_of


@pytest.fixture
def heap(heaps):
    return heaps["system"]


@pytest.fixture
def pair():
    here, there = socket.socketpair()
    with here, there:
        there.settimeout(10)
        yield here, there


def test_received_buffer_is_the_one_that_was_sent(heaps, buffer, pair):
    buffer.set_name("preview")
    buffer.send(pair[0])
    with heaps.receive(pair[1]) as received:
        assert (received.ino, received.name) == (buffer.ino, "preview")
        received.mmap()[0] = 7
        assert buffer.mmap()[0] == 7
        assert received.fd != buffer.fd
        assert received.close_on_exec


def test_message_keeps_the_buffer(heaps, heap, pair):
    with heap.allocate(4096) as sent:
        sent.mmap()[0] = 3
        sent.send(pair[0])
    with heaps.receive(pair[1]) as received:
        assert received.mmap()[0] == 3


def test_buffers_arrive_in_the_order_in_which_they_were_sent(heaps, heap, pair):
    with heap.allocate(4096) as one, heap.allocate(8192) as other:
        one.send(pair[0])
        other.send(pair[0])
        for size in (4096, 8192):
            with heaps.receive(pair[1]) as received:
                assert received.size == size


def test_message_without_a_buffer_is_ebadmsg(heaps, pair):
    pair[0].sendall(b"!")
    assert error_of(heaps.receive, pair[1]) == errno.EBADMSG


def test_socket_that_is_closed_at_the_other_end_is_econnreset(heaps, pair):
    pair[0].close()
    assert error_of(heaps.receive, pair[1]) == errno.ECONNRESET


def test_only_a_unix_socket_passes_files(heaps, buffer):
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as other:
        for wrong in (other, None, 3):
            with pytest.raises(ValueError, match="sock="):
                buffer.send(wrong)
            with pytest.raises(ValueError, match="sock="):
                heaps.receive(wrong)


def test_closed_buffer_is_not_sent(buffer, pair):
    buffer.close()
    assert error_of(buffer.send, pair[0]) == errno.EBADF
