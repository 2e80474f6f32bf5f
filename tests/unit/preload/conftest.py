# SPDX-License-Identifier: MIT
"""A host with its server, and a client that says what it likes."""

import socket
import struct

import pytest

import heapkit as hk
from heapkit.preload.faults import Faults
from heapkit.preload.host import Host, heap_names
from heapkit.preload.protocol import MAGIC, REPLY, REQUEST, Call
from heapkit.preload.recording import Recording
from heapkit.preload.server import Server


class Client:
    """One connection to a server."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(10)
        self.socket.connect(str(path))

    def send(self, packet):
        self.socket.send(packet)

    def ask(self, call, key=(0, 0), args=(0, 0, 0, 0), data=b""):
        """Status, values, data and the files that came along."""
        self.send(REQUEST.pack(MAGIC, call, *key, *args, data))
        packet, files, _, _ = socket.recv_fds(self.socket, REPLY.size, 4)
        status, _, _, *values, data = REPLY.unpack(packet)
        return status, values, data, files

    @property
    def ended(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self):
        self.socket.close()


@pytest.fixture
def host(bench, tmp_path):
    directory = tmp_path / "dma_heap"
    directory.mkdir()
    names = heap_names(bench)
    with hk.simulate(bench) as heaps:
        host = Host(
            heaps,
            directory,
            recording=Recording(None),
            faults=Faults(names, {}, 1),
            latency=0.0,
        )
        yield host
        host.close()


@pytest.fixture
def server(host, tmp_path):
    server = Server(host, tmp_path / "socket")
    server.start()
    yield server
    server.stop()
    assert server.error is None


@pytest.fixture
def connect(server, tmp_path):
    clients = []

    def connect():
        clients.append(Client(tmp_path / "socket"))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


@pytest.fixture
def client(connect):
    return connect()


@pytest.fixture
def key(tmp_path):
    """The key of a heap."""

    def key(name):
        status = (tmp_path / "dma_heap" / name).stat()
        return status.st_dev, status.st_ino

    return key


@pytest.fixture
def camera(key):
    return key("camera")


@pytest.fixture
def allocate(client, camera):
    """A buffer of the camera heap: its key and the file that was sent."""

    def allocate(size=4096, client=client):
        status, values, _, files = client.ask(
            Call.ALLOC, camera, data=struct.pack("=QIIQ", size, 0, 2, 0)
        )
        assert status == 0
        return tuple(values[:2]), files[0]

    return allocate
