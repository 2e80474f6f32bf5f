# SPDX-License-Identifier: MIT
"""Descriptors through a socket: what is taken, and that nothing else stays open."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from heapkit.backends.live import identity
from tests.contract.calls import error_of


@pytest.fixture
def pair():
    here, there = socket.socketpair()
    with here, there:
        yield here, there


def descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- names are enough


def test_a_buffer_is_received_as_another_descriptor(heaps, buffer, pair):
    buffer.mmap()[0] = 5
    buffer.send(pair[0])
    with heaps.receive(pair[1]) as received:
        assert received.fd != buffer.fd
        assert received.close_on_exec
        assert received.mmap()[0] == 5


def test_another_file_is_refused_and_closed(heaps, pair, monkeypatch):
    monkeypatch.setattr(identity, "EXPORTER", "exp_name")
    before = descriptors()
    socket.send_fds(pair[0], [b"!"], [0])
    assert error_of(heaps.receive, pair[1]) == errno.EINVAL
    assert descriptors() == before


def test_two_descriptors_are_refused_and_closed(heaps, buffer, pair):
    before = descriptors()
    socket.send_fds(pair[0], [b"!"], [buffer.fd, buffer.fd])
    assert error_of(heaps.receive, pair[1]) == errno.EMSGSIZE
    assert descriptors() == before


def test_bytes_alone_and_a_closed_end_are_told_apart(heaps, pair):
    pair[0].sendall(b"!")
    assert error_of(heaps.receive, pair[1]) == errno.EBADMSG
    pair[0].close()
    assert error_of(heaps.receive, pair[1]) == errno.ECONNRESET


def test_a_socket_that_would_block_says_so(heaps, pair):
    pair[1].settimeout(0)
    assert error_of(heaps.receive, pair[1]) == errno.EAGAIN


@pytest.mark.parametrize("wrong", [None, 3, "socket"])
def test_what_is_no_unix_socket_is_a_value_error(heaps, buffer, wrong):
    with pytest.raises(ValueError, match="sock="):
        buffer.send(wrong)
    with pytest.raises(ValueError, match="sock="):
        heaps.receive(wrong)
