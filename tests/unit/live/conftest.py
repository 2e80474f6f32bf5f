# SPDX-License-Identifier: MIT
"""A machine without heaps: files stand in for the devices, memfds for dma-bufs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from heapkit import KiB, uapi
from heapkit.backends import descriptor, live
from heapkit.backends.live import identity
from heapkit.ioctls import UDMABUF_CREATE


class Kernel:
    """Answers the ioctls of the files below a directory, and counts them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.calls: list[tuple[int, bytes]] = []
        self.refusals: list[int] = []

    def add(self, *names: str) -> None:
        for name in names:
            (self.directory / name).touch()

    def requests(self, wanted: int) -> list[bytes]:
        return [argument for request, argument in self.calls if request == wanted]

    def ioctl(self, fd: int, request: int, argument: bytes | memoryview) -> int:
        self.calls.append((request, bytes(argument)))
        if self.refusals and (code := self.refusals.pop(0)):
            raise OSError(code, os.strerror(code))
        if request == uapi.DMA_HEAP_IOCTL_ALLOC:
            size = int.from_bytes(argument[:8], sys.byteorder)
            argument[8:12] = self.export(size).to_bytes(4, sys.byteorder)
        if request == UDMABUF_CREATE:
            return os.dup(int.from_bytes(argument[:4], sys.byteorder))
        return 0

    def export(self, size: int) -> int:
        fd = os.memfd_create("dmabuf")
        os.ftruncate(fd, -(-size // 4096) * 4096)
        return fd


@pytest.fixture
def kernel(tmp_path, monkeypatch):
    kernel = Kernel(tmp_path)
    monkeypatch.setattr(descriptor.fcntl, "ioctl", kernel.ioctl)
    monkeypatch.setattr(identity, "EXPORTER", "mnt_id")  # a memfd has that line
    return kernel


@pytest.fixture
def heaps(kernel):
    kernel.add("system", "reserved")
    with live.live(kernel.directory) as heaps:
        yield heaps


@pytest.fixture
def buffer(heaps):
    return heaps["reserved"].allocate(8 * KiB)
