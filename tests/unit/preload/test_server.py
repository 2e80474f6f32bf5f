# SPDX-License-Identifier: MIT
"""The server: what it answers, and that nobody can take it down."""

import errno
import os
import struct
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heapkit.preload.protocol import DATA, MAGIC, REQUEST, Call, Kind

U64 = st.integers(0, 2**64 - 1)


def soon(condition):
    """Whether it becomes true: a process's end is noticed a little later."""
    for _ in range(400):
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_a_heap_says_what_it_is(client, camera):
    status, values, _, files = client.ask(Call.IDENTIFY, camera)
    assert (status, values[0], files) == (0, Kind.HEAP, [])


def test_a_file_that_is_no_node_is_enoent(client):
    assert client.ask(Call.IDENTIFY, (1, 2))[0] == -errno.ENOENT


def test_a_buffer_comes_with_its_file_and_says_its_size(client, allocate):
    key, file = allocate(5000)
    status = os.fstat(file)
    assert (status.st_dev, status.st_ino) == key
    assert status.st_size == 8192
    assert client.ask(Call.IDENTIFY, key)[1][:3] == [Kind.BUFFER, 8192, os.O_RDWR]


def test_a_buffers_name_is_said(client, allocate):
    key, _ = allocate()
    name = struct.pack("32s", b"frame")
    assert client.ask(Call.IOCTL, key, (0x40086201, 0, 0, 0), name)[0] == 0
    assert client.ask(Call.IDENTIFY, key)[2].rstrip(b"\0") == b"frame"


def test_a_buffer_is_freed_when_its_last_file_is_closed(host, client, allocate):
    key, file = allocate()
    other = os.dup(file)
    os.close(file)
    client.ask(Call.CLOSED, key)
    assert len(host.memory) == 1
    os.close(other)
    client.ask(Call.CLOSED, key)
    assert not host.memory


def test_a_buffer_that_nobody_told_of_is_found(host, allocate):
    _, file = allocate()
    os.close(file)
    assert soon(lambda: not host.memory)


def test_a_client_that_dies_with_an_answer_on_its_way_leaks_nothing(
    host, connect, camera
):
    client = connect()
    client.send(
        REQUEST.pack(
            MAGIC, Call.ALLOC, *camera, 0, 0, 0, 0, struct.pack("=QIIQ", 4096, 0, 2, 0)
        )
    )
    client.close()
    assert soon(lambda: not host.memory)


def test_memory_is_found_before_it_is_said_to_be_short(client, allocate, camera):
    _, file = allocate(12 << 20)
    os.close(file)
    allocate(12 << 20)


@pytest.mark.parametrize(
    "packet",
    [
        b"x",
        b"x" * REQUEST.size,
        b"x" * (REQUEST.size + 1),
        REQUEST.pack(MAGIC, 99, 0, 0, 0, 0, 0, 0, b""),
        REQUEST.pack(MAGIC + 1, Call.CLOSED, 0, 0, 0, 0, 0, 0, b""),
    ],
    ids=["short", "no magic", "long", "unknown call", "another magic"],
)
def test_what_is_no_request_ends_the_connection_and_no_other(connect, camera, packet):
    hostile, other = connect(), connect()
    hostile.send(packet)
    assert hostile.ended
    assert other.ask(Call.IDENTIFY, camera)[0] == 0


def test_a_client_that_takes_no_answers_loses_its_connection(connect, camera):
    hostile, other = connect(), connect()
    question = REQUEST.pack(MAGIC, Call.IDENTIFY, *camera, 0, 0, 0, 0, b"")
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        _ = [hostile.send(question) for _ in range(100_000)]
    assert other.ask(Call.IDENTIFY, camera)[0] == 0


def test_files_that_a_client_sends_are_dropped(client, camera):
    import socket

    question = REQUEST.pack(MAGIC, Call.IDENTIFY, *camera, 0, 0, 0, 0, b"")
    client.ask(Call.IDENTIFY, camera)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a count
    socket.send_fds(client.socket, [question], [0, 1, 2])
    client.socket.recv(200)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(packet=st.binary(min_size=1, max_size=2 * REQUEST.size))
def test_no_bytes_take_the_server_down(connect, camera, packet):
    hostile = connect()
    hostile.send(packet)
    hostile.close()
    assert connect().ask(Call.IDENTIFY, camera)[0] == 0


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    call=st.sampled_from(Call),
    about=st.sampled_from(["heap", "buffer", "nothing"]),
    args=st.tuples(U64, U64, U64, U64),
    command=st.sampled_from([None, 0x40086200, 0x40086201, 0xC0086202, 0x40106202]),
    data=st.binary(max_size=DATA),
)
def test_any_request_is_answered(
    client, allocate, camera, call, about, args, command, data
):
    key, file = allocate()
    try:
        about = {"heap": camera, "buffer": key, "nothing": (0, 0)}[about]
        args = args if command is None else (command, *args[1:])
        status, _, _, files = client.ask(call, about, args, data)
        for sent in files:
            os.close(sent)
        assert status <= 0
    finally:
        os.close(file)
        client.ask(Call.CLOSED, key)
