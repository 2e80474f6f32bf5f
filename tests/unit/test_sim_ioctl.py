# SPDX-License-Identifier: MIT
"""The kernel's answers at the simulated doors: each row of the errno table.

The table was recorded on Linux 6.12 and 7.3, the same for system and CMA heaps.
tests/live/guest/test_ioctls.py asks a running kernel the same.
"""

from __future__ import annotations

import errno
import mmap
import os
import select
import struct

import pytest

import heapkit as hk
from heapkit import KiB, MiB, ioctls, uapi

ALLOC = uapi.DMA_HEAP_IOCTL_ALLOC
SYNC = uapi.DMA_BUF_IOCTL_SYNC
SET_NAMES = (uapi.DMA_BUF_SET_NAME_B, ioctls.DMA_BUF_SET_NAME_A)
EXPORT = ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE
IMPORT = ioctls.DMA_BUF_IOCTL_IMPORT_SYNC_FILE
PARTIAL = ioctls.DMA_BUF_IOCTL_SYNC_PARTIAL
RW = os.O_RDWR | os.O_CLOEXEC
HEAPS = ("system", "default_cma_region", "camera", "video", "protected,secure-video")


@pytest.fixture(params=HEAPS)
def heap(request, sim):
    return sim[request.param]


@pytest.fixture
def buffer(sim):
    return sim["system"].allocate(124 * KiB)


@pytest.fixture
def memfd():
    heaps = (hk.UdmabufHeap(),)
    board = hk.Board(name="b", memory=hk.Memory(total=64 * MiB), heaps=heaps)
    with hk.simulate(board) as heaps:
        yield heaps["udmabuf"].allocate(8192)


def request_of(*, size=4096, fd=0, fd_flags=RW, heap_flags=0, room=24):
    packed = struct.pack("=QIIQ", size, fd, fd_flags, heap_flags)
    return bytearray((packed + b"\xaa" * room)[:room])


def sized(command, size):
    """``command`` as if its struct had ``size`` bytes."""
    return command & ~(0x3FFF << 16) | size << 16


def directed(command, direction):
    return command & ~(3 << 30) | direction << 30


def error_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except OSError as error:
        return error.errno
    return 0


def fd_in(argument):
    return struct.unpack_from("=I", argument, 8)[0]


# --- ALLOC -------------------------------------------------------------------

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
def test_alloc_is_einval_with(heap, case):
    before = request_of(**REFUSED[case])
    argument = bytearray(before)
    assert error_of(heap.ioctl, ALLOC, argument) == errno.EINVAL
    assert argument == before


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


@pytest.mark.parametrize("mode", [os.O_RDONLY, os.O_WRONLY, os.O_RDWR, 3])
def test_access_mode_asked_for_is_the_buffers(sim, heap, mode):
    argument = request_of(fd_flags=mode)
    assert heap.ioctl(ALLOC, argument) == 0
    buffer = sim.files[fd_in(argument)]
    assert (buffer.fd_flags, buffer.close_on_exec) == (mode, False)


def test_close_on_exec_is_set_when_it_is_asked_for(sim):
    assert sim["system"].allocate(4096).close_on_exec
    assert not sim["system"].allocate(4096, fd_flags=os.O_RDWR).close_on_exec


def test_length_in_the_answer_is_not_rounded(sim):
    argument = request_of(size=5000)
    sim["system"].ioctl(ALLOC, argument)
    assert struct.unpack_from("=Q", argument)[0] == 5000
    assert sim.files[fd_in(argument)].size == 8192


def test_null_pointer_is_efault(heap):
    assert error_of(heap.ioctl, ALLOC, None) == errno.EFAULT


def test_struct_that_is_not_all_there_is_efault(heap):
    assert error_of(heap.ioctl, ALLOC, bytearray(23)) == errno.EFAULT


@pytest.mark.parametrize("size", [16, 20, 32, 48, 64, 256])
def test_structs_of_other_sizes_are_taken_and_their_tails_kept(sim, heap, size):
    argument = request_of(room=size)
    heap.ioctl(sized(ALLOC, size), argument)
    assert sim.files[fd_in(argument)].size == 4096
    assert argument[24:] == b"\xaa" * max(size - 24, 0)


def test_struct_of_8_bytes_leaks_the_buffer(sim):
    argument = request_of(room=8)
    assert sim["system"].ioctl(sized(ALLOC, 8), argument) == 0
    assert argument == request_of(room=8)
    # O_RDONLY: fd_flags was not read either.
    assert [file.fd_flags for file in sim.files.values()] == [os.O_RDONLY]
    sim.files.close(3)
    assert sim.buffers == ()


def test_command_without_a_direction_is_einval_even_with_null(heap):
    assert error_of(heap.ioctl, directed(ALLOC, 0), None) == errno.EINVAL


def test_command_that_only_writes_loses_the_descriptor(sim):
    argument = request_of()
    assert sim["system"].ioctl(directed(ALLOC, ioctls.WRITE), argument) == 0
    assert fd_in(argument) == 0
    assert list(sim.files) == [3]


def test_command_that_only_reads_is_einval_and_keeps_the_struct(heap):
    argument = request_of()
    command = directed(ALLOC, ioctls.READ)
    assert error_of(heap.ioctl, command, argument) == errno.EINVAL
    assert argument == request_of()


def test_answer_without_a_place_is_efault_and_keeps_nothing(sim):
    argument = bytes(request_of())
    assert error_of(sim["system"].ioctl, ALLOC, argument) == errno.EFAULT
    assert (len(sim.files), sim.buffers) == (0, ())


def test_what_is_refused_has_no_answer_to_fault(heap):
    argument = bytes(request_of(size=0))
    assert error_of(heap.ioctl, ALLOC, argument) == errno.EINVAL


def test_another_nr_is_einval(heap):
    assert error_of(heap.ioctl, ALLOC + 1, request_of()) == errno.EINVAL


def test_type_byte_is_not_looked_at(sim, heap):
    argument = request_of()
    assert heap.ioctl(ALLOC & ~0xFF00 | ord("I") << 8, argument) == 0
    assert sim.files[fd_in(argument)].exp_name == heap.name


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


@pytest.mark.parametrize("command", [-1, 2**32, 1.5, True, None])
def test_command_is_a_number_of_32_bits(heap, command):
    with pytest.raises(ValueError, match="cmd="):
        heap.ioctl(command, None)


# --- The heap's other operations ---------------------------------------------


@pytest.mark.parametrize(
    ("use", "code"),
    [
        ("read", errno.EINVAL),
        ("write", errno.EINVAL),
        ("lseek", errno.ESPIPE),
        ("mmap", errno.ENODEV),
    ],
)
def test_heap_is_no_file_to(heap, use, code):
    assert error_of(getattr(heap, use)) == code


def test_heap_is_always_ready(heap):
    assert heap.poll() == select.POLLIN | select.POLLOUT


# --- SYNC --------------------------------------------------------------------


def sync(flags):
    return bytearray(struct.pack("=Q", flags))


@pytest.mark.parametrize("end", [0, 4])
@pytest.mark.parametrize("access", [1, 2, 3])
def test_sync_of_any_direction_succeeds_at_both_ends(heap, access, end):
    assert heap.allocate(4096).ioctl(SYNC, sync(access | end)) == 0


def test_sync_of_a_read_only_buffer_succeeds(heap):
    buffer = heap.allocate(4096, fd_flags=os.O_RDONLY)
    assert buffer.ioctl(SYNC, sync(3)) == 0


def test_sync_end_without_start_and_start_twice_succeed(buffer):
    for flags in (7, 1, 1, 6):
        assert buffer.ioctl(SYNC, sync(flags)) == 0


@pytest.mark.parametrize("flags", [0, 4, 8, 9, 1 << 63, 1 << 63 | 1])
def test_sync_without_a_direction_or_with_more_is_einval(buffer, flags):
    assert error_of(buffer.ioctl, SYNC, sync(flags)) == errno.EINVAL


@pytest.mark.parametrize("argument", [None, bytearray(7)])
def test_sync_of_no_struct_is_efault(buffer, argument):
    assert error_of(buffer.ioctl, SYNC, argument) == errno.EFAULT


def test_sync_costs_what_cpu_access_costs(sim, buffer):
    buffer.attach(sim.device("isp")).map()
    buffer.begin_cpu_access("r")
    expected = buffer.latency_ns
    buffer.ioctl(SYNC, sync(1))
    assert buffer.latency_ns == expected > 0


@pytest.mark.parametrize("command", [SYNC + 99, SYNC + 4, ALLOC, sized(SYNC, 16)])
def test_ioctl_that_a_buffer_does_not_know_is_enotty(buffer, command):
    assert error_of(buffer.ioctl, command, bytearray(24)) == errno.ENOTTY


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


# --- SET_NAME ----------------------------------------------------------------


@pytest.mark.parametrize("command", SET_NAMES)
@pytest.mark.parametrize("name", [b"a", b"n" * 31, b""])
def test_name_of_31_bytes_is_taken_by_either_number(buffer, command, name):
    buffer.set_name("before")
    assert buffer.ioctl(command, name) == 0
    assert buffer.name == name.decode()


@pytest.mark.parametrize("command", SET_NAMES)
def test_name_ends_at_its_nul(buffer, command):
    buffer.ioctl(command, b"preview\0" + b"x" * 40)
    assert buffer.name == "preview"


@pytest.mark.parametrize(
    ("name", "code"), [(b"n" * 32, errno.EINVAL), (None, errno.EFAULT)]
)
@pytest.mark.parametrize("command", SET_NAMES)
def test_name_too_long_is_einval_and_null_is_efault(buffer, command, name, code):
    assert error_of(buffer.ioctl, command, name) == code


# --- Sync files --------------------------------------------------------------


def sync_file(flags, fd=-1):
    return bytearray(struct.pack("=Ii", flags, fd))


@pytest.mark.parametrize("flags", [1, 2, 3])
def test_sync_file_goes_out_and_in(sim, buffer, flags):
    argument = sync_file(flags)
    assert buffer.ioctl(EXPORT, argument) == 0
    _, fd = struct.unpack("=Ii", argument)
    assert sim.files[fd].signalled
    assert buffer.ioctl(IMPORT, sync_file(flags, fd)) == 0


@pytest.mark.parametrize("flags", [0, 4, 5])
@pytest.mark.parametrize("command", [EXPORT, IMPORT])
def test_sync_file_without_a_direction_is_einval(buffer, command, flags):
    assert error_of(buffer.ioctl, command, sync_file(flags)) == errno.EINVAL


def test_import_of_what_is_no_sync_file_is_einval(buffer):
    for fd in (-1, 99, buffer.fd):
        assert error_of(buffer.ioctl, IMPORT, sync_file(3, fd)) == errno.EINVAL


@pytest.mark.parametrize("command", [EXPORT, IMPORT])
def test_sync_file_of_no_struct_is_efault(buffer, command):
    assert error_of(buffer.ioctl, command, None) == errno.EFAULT


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


# --- The buffer's other operations -------------------------------------------


@pytest.mark.parametrize(
    ("use", "code"),
    [
        ("read", errno.EINVAL),
        ("write", errno.EINVAL),
        ("truncate", errno.EINVAL),
        ("fallocate", errno.ENODEV),
    ],
)
def test_buffer_is_no_file_to(buffer, use, code):
    assert error_of(getattr(buffer, use)) == code


def test_buffer_seeks_to_its_ends(buffer):
    assert buffer.lseek(0, os.SEEK_END) == 124 * KiB
    assert buffer.lseek(0) == 0


@pytest.mark.parametrize(
    ("offset", "whence"),
    [(1, os.SEEK_SET), (0, os.SEEK_CUR), (1, os.SEEK_END), (-1, os.SEEK_END)],
)
def test_buffer_seeks_nowhere_else(buffer, offset, whence):
    assert error_of(buffer.lseek, offset, whence) == errno.EINVAL


# --- mmap --------------------------------------------------------------------

MAPPABLE = HEAPS[:-1]
READ, WRITE, EXEC = mmap.PROT_READ, mmap.PROT_WRITE, mmap.PROT_EXEC


@pytest.mark.parametrize("name", MAPPABLE)
@pytest.mark.parametrize(
    ("arguments", "length"),
    [
        ({}, 128 * KiB),
        ({"length": 4095}, 4095),
        ({"offset": 4096, "length": 124 * KiB}, 124 * KiB),
        ({"prot": READ | EXEC}, 128 * KiB),
    ],
)
def test_shared_mapping_succeeds(sim, name, arguments, length):
    buffer = sim[name].allocate(128 * KiB)
    assert len(buffer.mmap(**arguments)) == length


REFUSED_MAPPINGS = {
    "past the end": {"length": 124 * KiB + 1},
    "offset at the end": {"offset": 124 * KiB, "length": 4096},
    "offset within a page": {"offset": 1, "length": 4096},
    "offset 2^63 - 4096": {"offset": 2**63 - 4096, "length": 4096},
    "length 0": {"length": 0},
    "neither shared nor private": {"flags": 0},
}


@pytest.mark.parametrize("case", REFUSED_MAPPINGS)
def test_mapping_is_einval(buffer, case):
    assert error_of(buffer.mmap, **REFUSED_MAPPINGS[case]) == errno.EINVAL


def test_mapping_at_an_offset_is_that_part(buffer):
    buffer.mmap()[4096] = 9
    assert buffer.mmap(offset=4096, length=1)[0] == 9


def test_mapping_without_write_is_read_only(buffer):
    assert buffer.mmap(prot=READ).readonly


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


@pytest.mark.parametrize("prot", [READ, READ | WRITE])
@pytest.mark.parametrize("size", [124 * KiB, 3 * MiB])
def test_private_mapping_over_several_chunks_is_einval(sim, prot, size):
    buffer = sim["system"].allocate(size)
    assert len(buffer.entries) > 1
    code = error_of(buffer.mmap, flags=mmap.MAP_PRIVATE, prot=prot)
    assert code == errno.EINVAL


def test_private_mapping_of_one_page_is_a_copy(buffer):
    buffer.mmap()[0] = 1
    view = buffer.mmap(flags=mmap.MAP_PRIVATE, length=4096)
    assert view[0] == 1
    view[0] = 2
    assert buffer.mmap()[0] == 1


@pytest.mark.parametrize(
    ("mode", "prot", "code"),
    [
        (os.O_RDONLY, READ, 0),
        (os.O_RDONLY, WRITE, errno.EACCES),
        (os.O_RDONLY, READ | WRITE, errno.EACCES),
        (os.O_WRONLY, READ, errno.EACCES),
        (os.O_WRONLY, WRITE, errno.EACCES),
        (os.O_WRONLY, READ | WRITE, errno.EACCES),
        (3, READ, errno.EACCES),
    ],
)
def test_mapping_needs_what_the_files_mode_allows(sim, mode, prot, code):
    buffer = sim["system"].allocate(4096, fd_flags=mode)
    assert error_of(buffer.mmap, prot=prot) == code


def test_private_mapping_of_a_read_only_buffer_may_be_written(sim):
    buffer = sim["system"].allocate(4096, fd_flags=os.O_RDONLY)
    assert not buffer.mmap(flags=mmap.MAP_PRIVATE).readonly


def test_mapping_to_be_executed_is_eperm_where_the_kernel_forbids_it(bench):
    executed = mmap.PROT_READ | mmap.PROT_EXEC
    with hk.simulate(bench, noexec=True) as heaps:
        buffer = heaps["system"].allocate(4096)
        assert error_of(buffer.mmap, prot=executed) == errno.EPERM
        assert error_of(buffer.mmap) == 0


def test_secure_buffer_is_not_mapped(sim):
    buffer = sim["protected,secure-video"].allocate(4096)
    assert error_of(buffer.mmap) == errno.EINVAL


@pytest.mark.parametrize(
    "arguments", [{"flags": mmap.MAP_ANONYMOUS | mmap.MAP_SHARED}, {"prot": 64}]
)
def test_mapping_of_something_else_is_a_value_error(buffer, arguments):
    with pytest.raises(ValueError, match="allowed"):
        buffer.mmap(**arguments)
