# SPDX-License-Identifier: MIT
"""/dev/udmabuf: the explicit alternative, and what its ioctls answer."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import select
import struct
from pathlib import Path

import pytest

import heapkit as hk
from heapkit import MiB
from heapkit.backends import live
from heapkit.ioctls import UDMABUF_CREATE, UDMABUF_CREATE_DATA, UDMABUF_CREATE_LIST
from tests.conftest import skip_or_fail
from tests.contract.calls import ALLOC, error_of, request_of
from tests.live.guest.open_files import numbers

PARAMETERS = Path("/sys/module/udmabuf/parameters")
SHRINK, GROW, WRITE = fcntl.F_SEAL_SHRINK, fcntl.F_SEAL_GROW, fcntl.F_SEAL_WRITE


@pytest.fixture
def udmabuf():
    if reason := live.missing_udmabuf():
        skip_or_fail(reason)
    with hk.udmabuf() as heap:
        yield heap


@pytest.fixture
def memfd():
    fd = os.memfd_create("client", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, 16384)
    yield fd
    os.close(fd)


def create(memfd, *, flags=1, offset=0, size=8192):
    return bytearray(UDMABUF_CREATE_DATA.pack(memfd, flags, offset, size))


def test_a_buffer_is_zeroed_named_and_shared(udmabuf):
    with udmabuf.allocate(8192) as buffer, buffer.dup() as other:
        buffer.set_name("from memfd")
        assert (buffer.exp_name, other.name) == ("udmabuf", "from memfd")
        assert (buffer.size, buffer.fd_flags) == (8192, os.O_RDWR)
        view = buffer.mmap()
        assert not any(view)
        buffer.begin_cpu_access("w")
        view[8191] = 7
        buffer.end_cpu_access("w")
        assert other.mmap()[8191] == 7


def test_nothing_but_the_buffer_stays_open(udmabuf):
    before = len(numbers())
    with udmabuf.allocate(1 * MiB):
        assert len(numbers()) == before + 1
    for size in (0, 5000, 2**40, 2**63):
        assert error_of(udmabuf.allocate, size) == errno.EINVAL
    assert len(numbers()) == before


def test_more_than_the_modules_limit_is_einval(udmabuf):
    limit = int((PARAMETERS / "size_limit_mb").read_text()) * MiB
    udmabuf.allocate(limit).close()
    assert error_of(udmabuf.allocate, limit + 4096) == errno.EINVAL


@pytest.mark.parametrize(
    ("seals", "code"),
    [
        (0, errno.EINVAL),
        (SHRINK | WRITE, errno.EINVAL),
        (SHRINK, 0),
        (SHRINK | GROW, 0),
    ],
)
def test_a_memfd_must_not_shrink_and_be_written_to(udmabuf, memfd, seals, code):
    fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, seals)
    if code:
        assert error_of(udmabuf.ioctl, UDMABUF_CREATE, create(memfd)) == code
        return
    with udmabuf.adopt(udmabuf.ioctl(UDMABUF_CREATE, create(memfd))) as buffer:
        os.pwrite(memfd, b"memfd", 4096)
        assert bytes(buffer.mmap()[4096:4101]) == b"memfd"


@pytest.mark.parametrize(
    "part",
    [
        {"size": 0},
        {"size": 4095},
        {"offset": 1},
        {"offset": 12288},
        {"size": 20480},
    ],
    ids=str,
)
def test_a_part_that_is_not_whole_pages_of_the_file_is_einval(udmabuf, memfd, part):
    fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, SHRINK)
    argument = create(memfd, **part)
    assert error_of(udmabuf.ioctl, UDMABUF_CREATE, argument) == errno.EINVAL


def test_another_file_than_a_memfd_is_ebadfd(udmabuf, tmp_path):
    with (tmp_path / "file").open("wb") as file:
        file.truncate(8192)
        argument = create(file.fileno())
        # On a tmpfs a file is what a memfd is, but for its seals.
        code = error_of(udmabuf.ioctl, UDMABUF_CREATE, argument)
        assert code in (errno.EBADFD, errno.EINVAL)
    here, there = os.pipe()
    argument = create(here)
    assert error_of(udmabuf.ioctl, UDMABUF_CREATE, argument) == errno.EBADFD
    os.close(here)
    os.close(there)


def test_an_unknown_flag_is_not_looked_at(udmabuf, memfd):
    fcntl.fcntl(memfd, fcntl.F_ADD_SEALS, SHRINK)
    fd = udmabuf.ioctl(UDMABUF_CREATE, create(memfd, flags=2))
    with udmabuf.adopt(fd) as buffer:
        assert (buffer.size, buffer.close_on_exec) == (8192, False)


def test_more_entries_than_the_modules_limit_are_einval(udmabuf):
    limit = int((PARAMETERS / "list_limit").read_text())
    argument = bytearray(struct.pack("=II", 1, limit + 1) + bytes(24 * (limit + 1)))
    assert error_of(udmabuf.ioctl, UDMABUF_CREATE_LIST, argument) == errno.EINVAL


def test_null_is_efault_and_a_heaps_ioctl_is_enotty(udmabuf):
    assert error_of(udmabuf.ioctl, UDMABUF_CREATE, None) == errno.EFAULT
    assert error_of(udmabuf.ioctl, ALLOC, request_of()) == errno.ENOTTY


def test_a_private_mapping_is_einval(udmabuf):
    with udmabuf.allocate(4096) as buffer:
        assert error_of(buffer.mmap, flags=mmap.MAP_PRIVATE) == errno.EINVAL


def test_the_device_is_always_ready_and_no_file(udmabuf):
    assert udmabuf.poll() == select.POLLIN | select.POLLOUT
    assert error_of(udmabuf.read) == errno.EINVAL
    assert error_of(udmabuf.mmap) == errno.ENODEV


def test_a_rejected_argument_leaves_no_memfd(udmabuf):
    before = len(numbers())
    for wrong in ({"heap_flags": 1}, {"fd_flags": os.O_RDONLY}, {"fd_flags": 3}):
        assert error_of(udmabuf.allocate, 4096, **wrong) == errno.EINVAL
    assert len(numbers()) == before
