# SPDX-License-Identifier: MIT
"""A buffer of the kernel, for which a memfd stands."""

from __future__ import annotations

import copy
import errno
import gc
import mmap
import os
import pickle
import select
import sys

import pytest

import heapkit as hk
from heapkit import uapi
from heapkit.backends import live
from heapkit.backends.live import identity, keeper
from tests.contract.calls import error_of
from tests.unit.live.closed import closed


@pytest.mark.parametrize(
    ("access", "edge", "word"),
    [("r", "begin", 1), ("w", "begin", 2), ("rw", "begin", 3), ("rw", "end", 7)],
)
def test_sync_flags_say_direction_and_edge(buffer, kernel, access, edge, word):
    getattr(buffer, f"{edge}_cpu_access")(access)
    (flags,) = kernel.requests(uapi.DMA_BUF_IOCTL_SYNC)
    assert int.from_bytes(flags, sys.byteorder) == word


def test_an_unknown_access_is_a_wrong_argument(buffer):
    with pytest.raises(ValueError, match="access='x'"):
        buffer.begin_cpu_access("x")


def test_maintaining_the_whole_buffer_may_be_spelled_out(buffer, kernel):
    buffer.begin_cpu_access("r", offset=0, length=buffer.size)
    assert len(kernel.requests(uapi.DMA_BUF_IOCTL_SYNC)) == 1


@pytest.mark.parametrize("part", [{"length": 4096}, {"offset": 4096}])
def test_partial_maintenance_is_not_supported_by_linux(buffer, part):
    with pytest.raises(OSError, match="whole buffers") as raised:
        buffer.end_cpu_access("r", **part)
    assert raised.value.errno == errno.EOPNOTSUPP


@pytest.mark.parametrize("part", [{"offset": 8192}, {"length": 8193}])
def test_a_part_that_is_not_in_the_buffer_is_invalid(buffer, part):
    with pytest.raises(hk.errors.InvalidArgument, match="of 8192"):
        buffer.begin_cpu_access("r", **part)


@pytest.mark.parametrize("part", [{"offset": -1}, {"length": 0}, {"offset": 0.0}])
def test_what_is_no_range_is_a_wrong_argument(buffer, part):
    with pytest.raises(ValueError, match="allowed"):
        buffer.begin_cpu_access(**part)


def test_a_name_is_passed_as_a_c_string(buffer, kernel):
    buffer.set_name("camera")
    assert kernel.requests(uapi.DMA_BUF_SET_NAME_B) == [b"camera\0"]


def test_a_long_name_is_still_the_kernels_to_refuse(buffer, kernel):
    buffer.set_name("x" * 5000)
    assert kernel.requests(uapi.DMA_BUF_SET_NAME_B) == [b"x" * 32 + b"\0"]


def test_a_name_with_nul_is_a_wrong_argument(buffer):
    with pytest.raises(ValueError, match="NUL"):
        buffer.set_name("a\0b")


def test_two_mappings_show_the_same_bytes(buffer):
    first, second = buffer.mmap(), buffer.mmap()
    first[10] = 42
    assert second[10] == 42
    assert len(first) == buffer.size


def test_a_mapping_outlives_its_buffer(buffer):
    view = buffer.mmap()
    buffer.close()
    view[0] = 1
    assert view[0] == 1


def test_a_duplicate_is_a_reference_of_its_own(buffer):
    buffer.mmap()[0] = 9
    with buffer.dup() as other:
        buffer.close()
        assert other.mmap()[0] == 9


def test_closing_twice_does_nothing(buffer):
    buffer.close()
    buffer.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda b: b.size,
        lambda b: b.name,
        lambda b: b.exp_name,
        lambda b: b.fileno(),
        lambda b: b.mmap(),
        lambda b: b.dup(),
        lambda b: b.set_name("x"),
        lambda b: b.begin_cpu_access(),
        lambda b: b.end_cpu_access(),
        lambda b: b.__enter__(),
    ],
)
def test_a_closed_buffer_is_a_bad_descriptor(buffer, use):
    buffer.close()
    with pytest.raises(OSError, match="closed") as raised:
        use(buffer)
    assert raised.value.errno == errno.EBADF


def test_a_buffer_is_closed_by_its_context(heaps):
    with heaps["reserved"].allocate(4096) as buffer:
        fd = buffer.fileno()
    assert closed(fd)


def test_a_forgotten_buffer_is_closed_and_told(heaps):
    forgotten = [heaps["reserved"].allocate(4096)]
    fd = forgotten[0].fileno()
    with pytest.warns(ResourceWarning, match="LiveBuf reserved 4 KiB, fd .* never"):
        forgotten.clear()
    assert closed(fd)


def test_closing_the_heaps_closes_every_buffer(heaps, buffer):
    other = buffer.dup()
    numbers = [buffer.fileno(), other.fileno(), heaps["system"].fileno()]
    heaps.close()
    assert all(map(closed, numbers))


def test_a_closed_heap_allocates_nothing(heaps):
    heaps.close()
    with pytest.raises(OSError, match="closed") as raised:
        heaps["reserved"].allocate(4096)
    assert raised.value.errno == errno.EBADF


def test_a_buffer_keeps_its_heap_but_not_the_mapping_of_heaps(kernel):
    kernel.add("reserved")
    buffer = live.live(kernel.directory)["reserved"].allocate(4096)
    gc.collect()
    with buffer, buffer.dup() as other:
        assert other.size == 4096


def test_leaving_the_interpreter_closes_what_is_open(buffer):
    fd = buffer.fileno()
    keeper.close_everything()
    assert closed(fd)


# --- Ownership


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_buffer_is_neither_copied_nor_pickled(buffer, copied):
    with pytest.raises(TypeError, match="dup"):
        copied(buffer)
    assert buffer.size == 8192


def test_an_adopted_descriptor_is_closed_with_the_heap(heaps, kernel):
    fd = kernel.export(4096)
    adopted = heaps["reserved"].adopt(fd)
    assert adopted.fd == fd
    heaps["reserved"].close()
    assert closed(fd)
    assert error_of(adopted.mmap) == errno.EBADF


def test_a_descriptor_of_another_file_is_refused_and_left_open(heaps, monkeypatch):
    monkeypatch.setattr(identity, "EXPORTER", "exp_name")
    fd = os.memfd_create("no dma-buf")
    for holder in (heaps, heaps["system"]):
        with pytest.raises(OSError, match="no dma-buf") as raised:
            holder.adopt(fd)
        assert raised.value.errno == errno.EINVAL
    os.close(fd)


def test_a_descriptor_that_is_not_open_is_ebadf(heaps):
    assert error_of(heaps.adopt, 10**6) == errno.EBADF
    assert error_of(heaps.adopt, -1) == errno.EBADF


def test_a_descriptor_has_one_owner(heaps, buffer):
    with pytest.raises(OSError, match="belongs to <LiveBuf reserved") as raised:
        heaps.adopt(buffer.fd)
    assert raised.value.errno == errno.EBUSY
    fd = buffer.fd
    buffer.close()
    assert error_of(heaps.adopt, fd) == errno.EBADF


def test_a_forked_child_does_not_account_for_what_it_inherited(heaps, kernel):
    inherited = [heaps["reserved"].allocate(4096)]
    child = os.fork()
    if not child:
        sys.unraisablehook = lambda *_: os._exit(1)  # a warning is an error here
        inherited.clear()
        keeper.close_everything()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert inherited[0].size == 4096
    inherited[0].close()


# --- The file


def test_a_part_of_the_buffer_is_mapped(buffer):
    buffer.mmap()[4096] = 9
    assert buffer.mmap(offset=4096, length=1)[0] == 9
    assert buffer.mmap(prot=mmap.PROT_READ).readonly


@pytest.mark.parametrize("part", [{"length": 0}, {"length": 2**63}, {"offset": 2**63}])
def test_what_python_cannot_ask_of_mmap_is_einval(buffer, part):
    assert error_of(buffer.mmap, **part) == errno.EINVAL


def test_a_buffer_has_its_files_inode_and_mode(buffer):
    assert buffer.ino == os.fstat(buffer.fd).st_ino
    assert (buffer.fd_flags, buffer.close_on_exec) == (os.O_RDWR, True)
    os.set_inheritable(buffer.fd, True)  # noqa: FBT003 -- has no keyword
    with buffer.dup() as other:
        assert (buffer.close_on_exec, other.close_on_exec) == (False, True)


def test_a_buffer_seeks_reads_and_polls_as_its_file_does(buffer):
    assert buffer.lseek(0, os.SEEK_END) == 8192
    assert buffer.lseek() == 0
    assert buffer.poll() == select.POLLIN | select.POLLOUT
    assert buffer.wait("r") >= 0
    assert (buffer.read(), buffer.write()) == (b"", 0)


def test_a_refusal_of_a_file_operation_names_the_heap(buffer):
    with pytest.raises(OSError, match="reserved: lseek to -1"):
        buffer.lseek(-1)


# --- Sync files


def test_a_sync_file_is_asked_for_with_its_access(buffer, kernel):
    buffer.export_sync_file("w")
    (request,) = kernel.requests(hk.ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE)
    assert request[:4] == (2).to_bytes(4, sys.byteorder)


def test_only_a_sync_file_is_imported(buffer):
    for other in (None, 3, buffer):
        with pytest.raises(ValueError, match="fence="):
            buffer.import_sync_file(other)
