# SPDX-License-Identifier: MIT
"""What only a simulated door shows: order of its checks, leaks, costs, other kernels.

The rows of the errno table that a running kernel answers too are in tests/contract.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct

import pytest

import heapkit as hk
from heapkit import KiB, MiB, ioctls
from tests.contract.calls import (
    ALLOC,
    EXPORT,
    IMPORT,
    SYNC,
    directed,
    error_of,
    fd_in,
    request_of,
    sized,
    sync,
    sync_file,
)

PARTIAL = ioctls.DMA_BUF_IOCTL_SYNC_PARTIAL
HEAPS = ("system", "default_cma_region", "camera", "video", "protected,secure-video")


@pytest.fixture
def buffer(sim):
    return sim["system"].allocate(124 * KiB)


@pytest.fixture
def memfd():
    heaps = (hk.UdmabufHeap(),)
    board = hk.Board(name="b", memory=hk.Memory(total=64 * MiB), heaps=heaps)
    with hk.simulate(board) as heaps:
        yield heaps["udmabuf"].allocate(8192)


# --- ALLOC -------------------------------------------------------------------


def test_alloc_looks_at_fd_before_anything_else(sim):
    with pytest.raises(OSError, match="fd=7"):
        sim["system"].ioctl(ALLOC, request_of(size=0, fd=7, fd_flags=1 << 31))


def test_alloc_looks_at_fd_flags_before_heap_flags_and_size(sim):
    argument = request_of(size=0, fd_flags=1 << 31, heap_flags=1)
    with pytest.raises(OSError, match="fd_flags="):
        sim["system"].ioctl(ALLOC, argument)


def test_alloc_looks_at_heap_flags_before_the_size(sim):
    with pytest.raises(OSError, match="heap_flags="):
        sim["system"].ioctl(ALLOC, request_of(size=0, heap_flags=1))


def test_struct_of_8_bytes_leaks_the_buffer(sim):
    argument = request_of(room=8)
    assert sim["system"].ioctl(sized(ALLOC, 8), argument) == 0
    assert argument == request_of(room=8)
    # O_RDONLY: fd_flags was not read either.
    assert [file.fd_flags for file in sim.files.values()] == [os.O_RDONLY]
    sim.files.close(3)
    assert sim.buffers == ()


def test_command_that_only_writes_loses_the_descriptor(sim):
    argument = request_of()
    assert sim["system"].ioctl(directed(ALLOC, ioctls.WRITE), argument) == 0
    assert fd_in(argument) == 0
    assert list(sim.files) == [3]


def test_answer_without_a_place_is_efault_and_keeps_nothing(sim):
    argument = bytes(request_of())
    assert error_of(sim["system"].ioctl, ALLOC, argument) == errno.EFAULT
    assert (len(sim.files), sim.buffers) == (0, ())


@pytest.mark.parametrize("name", HEAPS)
def test_alloc_of_more_than_there_is_is_enomem(sim, name):
    assert error_of(sim[name].ioctl, ALLOC, request_of(size=1 << 40)) == errno.ENOMEM


def test_alloc_without_a_free_number_is_emfile_and_keeps_nothing(sim):
    sim.files.limit = 4
    sim["system"].ioctl(ALLOC, request_of())
    assert error_of(sim["system"].ioctl, ALLOC, request_of()) == errno.EMFILE
    assert len(sim.files) == 1
    sim.files.close(3)
    assert sim.buffers == ()


# --- SYNC --------------------------------------------------------------------


def test_sync_costs_what_cpu_access_costs(sim, buffer):
    buffer.attach(sim.device("isp")).map()
    buffer.begin_cpu_access("r")
    expected = buffer.latency_ns
    buffer.ioctl(SYNC, sync(1))
    assert buffer.latency_ns == expected > 0


# --- SYNC_PARTIAL ------------------------------------------------------------


def partial(flags, offset, length):
    return bytearray(struct.pack("=QII", flags, offset, length))


def test_partial_sync_is_cheaper_than_a_whole_one(sim, buffer):
    buffer.attach(sim.device("isp")).map()
    buffer.ioctl(SYNC, sync(1))
    whole = buffer.latency_ns
    buffer.ioctl(PARTIAL, partial(1, 4096, 4096))
    assert 0 < buffer.latency_ns < whole / 4


def test_partial_sync_of_nothing_costs_the_call(sim, buffer):
    buffer.attach(sim.device("isp")).map()
    buffer.ioctl(PARTIAL, partial(1, 0, 0))
    assert buffer.latency_ns == sim.board.costs["sync_call"].value


@pytest.mark.parametrize(
    ("offset", "length"), [(0, 124 * KiB + 1), (1, 124 * KiB), (124 * KiB + 1, 0)]
)
def test_partial_sync_past_the_end_is_einval(buffer, offset, length):
    argument = partial(3, offset, length)
    assert error_of(buffer.ioctl, PARTIAL, argument) == errno.EINVAL


@pytest.mark.parametrize("flags", [0, 4, 8])
def test_partial_sync_wants_the_flags_of_sync(buffer, flags):
    assert error_of(buffer.ioctl, PARTIAL, partial(flags, 0, 64)) == errno.EINVAL


@pytest.mark.parametrize(
    ("kernel", "code"), [("hookless", errno.EOPNOTSUPP), ("mainline", errno.ENOTTY)]
)
def test_partial_sync_of_another_kernel_is(bench, kernel, code):
    with hk.simulate(bench, partial_sync=kernel) as heaps:
        buffer = heaps["system"].allocate(MiB)
        assert error_of(buffer.ioctl, PARTIAL, partial(1, 0, 64)) == code
        call = buffer.begin_cpu_access
        assert error_of(call, "r", offset=0, length=64) == errno.EOPNOTSUPP
        assert error_of(call, "r", offset=0, length=MiB) == 0


def test_partial_sync_of_a_secure_buffer_has_no_hook(sim):
    buffer = sim["protected,secure-video"].allocate(4096)
    argument = partial(1, 0, 64)
    assert error_of(buffer.ioctl, PARTIAL, argument) == errno.EOPNOTSUPP


def test_partial_sync_of_a_memfd_has_no_hook(memfd):
    assert error_of(memfd.ioctl, PARTIAL, partial(1, 0, 64)) == errno.EOPNOTSUPP
    assert memfd.ioctl(SYNC, sync(3)) == 0


def test_access_to_a_memfd_must_have_begun_once_before_it_ends(memfd):
    assert error_of(memfd.ioctl, SYNC, sync(7)) == errno.EINVAL
    memfd.ioctl(SYNC, sync(3))
    assert error_of(memfd.ioctl, SYNC, sync(7)) == 0
    assert error_of(memfd.ioctl, SYNC, sync(6)) == 0


# --- Sync files --------------------------------------------------------------


@pytest.mark.parametrize("flags", [1, 2, 3])
def test_sync_file_goes_out_and_in(sim, buffer, flags):
    argument = sync_file(flags)
    assert buffer.ioctl(EXPORT, argument) == 0
    _, fd = struct.unpack("=Ii", argument)
    assert sim.files[fd].signalled
    assert buffer.ioctl(IMPORT, sync_file(flags, fd)) == 0


def test_export_without_a_place_for_the_number_leaves_none_open(sim, buffer):
    argument = bytes(sync_file(3))
    assert error_of(buffer.ioctl, EXPORT, argument) == errno.EFAULT
    assert len(sim.files) == 0


@pytest.mark.parametrize("command", [EXPORT, IMPORT])
def test_kernel_without_sync_files_says_enotty(bench, command):
    with hk.simulate(bench, sync_file=False) as heaps:
        buffer = heaps["system"].allocate(4096)
        assert error_of(buffer.ioctl, command, sync_file(3)) == errno.ENOTTY
        assert error_of(buffer.export_sync_file) == errno.ENOTTY


# --- mmap --------------------------------------------------------------------

READ, WRITE, EXEC = mmap.PROT_READ, mmap.PROT_WRITE, mmap.PROT_EXEC


@pytest.mark.parametrize("name", HEAPS[:-1])
def test_executable_mapping_succeeds_as_on_6_12(sim, name):
    buffer = sim[name].allocate(128 * KiB)
    assert len(buffer.mmap(prot=READ | EXEC)) == 128 * KiB


@pytest.mark.parametrize("prot", [READ, READ | WRITE])
@pytest.mark.parametrize("length", [4096, 124 * KiB])
def test_private_mapping_of_a_cma_buffer_is_einval(sim, prot, length):
    buffer = sim["default_cma_region"].allocate(124 * KiB)
    call = buffer.mmap
    code = error_of(call, flags=mmap.MAP_PRIVATE, prot=prot, length=length)
    assert code == errno.EINVAL


def test_private_mapping_of_a_memfd_is_einval(memfd):
    code = error_of(memfd.mmap, flags=mmap.MAP_PRIVATE, length=4096)
    assert code == errno.EINVAL


def test_mode_3_allows_no_mapping(sim):
    buffer = sim["system"].allocate(4096, fd_flags=3)
    assert error_of(buffer.mmap, prot=READ) == errno.EACCES


def test_private_mapping_of_a_read_only_buffer_may_be_written(sim):
    buffer = sim["system"].allocate(4096, fd_flags=os.O_RDONLY)
    assert not buffer.mmap(flags=mmap.MAP_PRIVATE).readonly


def test_mapping_to_be_executed_is_eperm_where_the_kernel_forbids_it(bench):
    executed = mmap.PROT_READ | mmap.PROT_EXEC
    with hk.simulate(bench, noexec=True) as heaps:
        buffer = heaps["system"].allocate(4096)
        assert error_of(buffer.mmap, prot=executed) == errno.EPERM
        assert error_of(buffer.mmap) == 0


def test_memfd_is_exported_for_reading_and_writing_only(memfd):
    assert memfd.fd_flags == os.O_RDWR


def test_secure_buffer_is_not_mapped(sim):
    buffer = sim["protected,secure-video"].allocate(4096)
    assert error_of(buffer.mmap) == errno.EINVAL
