# SPDX-License-Identifier: MIT
"""Heaps of device nodes: which there are, what they ask, who comes next."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest

import heapkit as hk
from heapkit import MiB, uapi
from heapkit.backends import live
from heapkit.backends.live import LiveBuf, LiveHeap, LiveHeaps, LiveUdmabuf, oversized
from heapkit.backends.live.sync_file import LiveSyncFile
from heapkit.interface import DmaBuf, DmaHeap, Heaps, SyncFile
from tests.contract.calls import ALLOC, error_of, request_of
from tests.unit.live.closed import closed


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        (Heaps, LiveHeaps),
        (DmaHeap, LiveHeap),
        (DmaHeap, LiveUdmabuf),
        (DmaBuf, LiveBuf),
        (SyncFile, LiveSyncFile),
    ],
)
def test_backend_satisfies_the_protocols(protocol, kind):
    # mypy compares the signatures: heapkit/backends/satisfied.py.
    names = [n for n in vars(protocol) if not n.startswith("_")]
    assert all(hasattr(kind, name) for name in names)


def test_heaps_are_the_nodes_by_name(heaps):
    assert list(heaps) == ["reserved", "system"]
    assert heaps["system"].name == "system"


def test_a_heap_that_may_not_be_opened_is_left_out(kernel, monkeypatch):
    kernel.add("system", "protected")
    really_open = os.open

    def refuse_protected(path, *rest):
        if Path(path).name == "protected":
            raise PermissionError(errno.EACCES, "no")
        return really_open(path, *rest)

    monkeypatch.setattr(os, "open", refuse_protected)
    with live.live(kernel.directory) as heaps:
        assert list(heaps) == ["system"]


def test_an_unknown_name_is_told_with_those_there_are(heaps):
    with pytest.raises(KeyError, match=r"camera.*reserved, system"):
        heaps["camera"]


def test_a_heap_allocates_rounded_up_to_pages(heaps):
    with heaps["reserved"].allocate(5000) as buffer:
        assert buffer.size == 8192


def test_the_request_asks_for_a_writable_descriptor_that_closes_on_exec(heaps, kernel):
    heaps["reserved"].allocate(4096, heap_flags=5).close()
    (request,) = kernel.requests(uapi.DMA_HEAP_IOCTL_ALLOC)
    flags = int.from_bytes(request[12:16], sys.byteorder)
    assert flags == os.O_RDWR | os.O_CLOEXEC
    assert int.from_bytes(request[16:24], sys.byteorder) == 5


@pytest.mark.parametrize("size", [-1, 4096.0, True, "4096", None, 2**64])
def test_what_is_no_64_bit_size_is_a_wrong_argument(heaps, kernel, size):
    with pytest.raises(ValueError, match="size="):
        heaps["system"].allocate(size)
    assert not kernel.calls


def test_what_is_no_64_bit_flag_word_is_a_wrong_argument(heaps):
    with pytest.raises(ValueError, match="heap_flags="):
        heaps["system"].allocate(4096, heap_flags=-1)


def test_a_refusal_of_the_kernel_names_heap_and_size(heaps, kernel):
    kernel.refusals = [errno.EINVAL]
    with pytest.raises(OSError, match="reserved: 0 bytes") as raised:
        heaps["reserved"].allocate(0)
    assert raised.value.errno == errno.EINVAL


@pytest.mark.parametrize("code", [errno.EINTR, errno.EAGAIN])
def test_an_interrupted_call_is_made_again(heaps, kernel, code):
    kernel.refusals = [code, code]
    heaps["reserved"].allocate(4096).close()
    assert len(kernel.calls) == 3


def test_a_heap_is_opened_for_writing_where_it_may_be(heaps):
    assert heaps["system"].write(b"") == 0  # the stand-in is a file


def test_a_heap_of_a_group_that_may_only_read_is_enough(kernel, monkeypatch):
    kernel.add("system")
    really_open = os.open

    def refuse_writing(path, flags, *rest):
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "no")
        return really_open(path, flags, *rest)

    monkeypatch.setattr(os, "open", refuse_writing)
    with live.live(kernel.directory) as heaps:
        assert error_of(heaps["system"].write) == errno.EBADF


def test_a_failure_in_the_middle_closes_what_was_opened(kernel, monkeypatch):
    kernel.add("reserved", "system")
    opened = []
    really_open = os.open

    def run_out(path, *rest):
        if Path(path).name == "system":
            raise OSError(errno.EMFILE, "no")
        opened.append(really_open(path, *rest))
        return opened[-1]

    monkeypatch.setattr(os, "open", run_out)
    assert error_of(live.live, kernel.directory) == errno.EMFILE
    assert len(opened) == 1
    assert closed(opened[0])


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_CLOEXEC, 1 << 31])
def test_the_request_carries_the_descriptor_flags_as_they_are(heaps, kernel, flags):
    heaps["reserved"].allocate(4096, fd_flags=flags).close()
    (request,) = kernel.requests(uapi.DMA_HEAP_IOCTL_ALLOC)
    assert int.from_bytes(request[12:16], sys.byteorder) == flags


def test_a_buffer_that_cannot_be_made_is_closed(heaps, kernel, monkeypatch):
    made = []
    export = kernel.export

    def no_file(size):
        made.append(os.pipe())
        return made[-1][0]  # which cannot seek

    monkeypatch.setattr(kernel, "export", no_file)
    assert error_of(heaps["reserved"].allocate, 4096) == errno.ESPIPE
    assert closed(made[0][0])
    os.close(made[0][1])
    monkeypatch.setattr(kernel, "export", export)
    heaps["reserved"].allocate(4096).close()


# --- The OOM killer


def test_a_system_heap_is_not_asked_for_more_than_is_available(heaps, kernel):
    with pytest.raises(OSError, match="OOM killer") as raised:
        heaps["system"].allocate(2**50)
    assert raised.value.errno == errno.ENOMEM
    assert not kernel.calls


def test_an_oversized_request_can_be_insisted_on(heaps, kernel):
    kernel.refusals = [errno.ENOMEM]
    with pytest.raises(OSError, match="Cannot allocate"):
        heaps["system"].allocate(2**50, allow_oversized=True)
    assert len(kernel.calls) == 1


def test_a_heap_with_a_region_of_its_own_is_always_asked(heaps, kernel):
    kernel.refusals = [errno.ENOMEM]
    with pytest.raises(OSError, match="Cannot allocate"):
        heaps["reserved"].allocate(2**50)
    assert len(kernel.calls) == 1


def test_a_size_that_wraps_when_rounded_is_the_kernels_to_refuse(heaps, kernel):
    kernel.refusals = [errno.EINVAL]
    with pytest.raises(hk.errors.InvalidArgument):
        heaps["system"].allocate(2**64 - 1)
    assert len(kernel.calls) == 1


@pytest.mark.parametrize(
    "name", ["system", "system-uncached", "system_cc_shared", "qcom,system"]
)
def test_every_heap_of_single_pages_is_guarded(name):
    assert error_of(oversized.refuse, name, 2**50) == errno.ENOMEM
    assert error_of(oversized.refuse, name, 4096) == 0


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("MemAvailable:    2048 kB\n", 2 * MiB),
        ("MemAvailable:    2048 kB\nCmaFree:   1024 kB\n", 1 * MiB),
        ("MemAvailable:    1024 kB\nCmaFree:   2048 kB\n", 0),
    ],
)
def test_the_limit_is_what_is_available_outside_of_cma(
    tmp_path, monkeypatch, text, limit
):
    monkeypatch.setattr(oversized, "MEMINFO", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text(f"MemTotal:    8192 kB\n{text}")
    assert oversized.limit() == limit


def test_without_memavailable_the_limit_is_all_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(oversized, "MEMINFO", tmp_path / "meminfo")
    (tmp_path / "meminfo").write_text("MemTotal:    8192 kB\n")
    assert oversized.limit() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")


@pytest.mark.parametrize("room", [8, 16, 24, 256])
def test_the_raw_door_is_guarded_whatever_the_structs_size(heaps, room):
    command = ALLOC & ~(0x3FFF << 16) | room << 16
    code = error_of(heaps["system"].ioctl, command, request_of(size=2**50, room=room))
    assert code == errno.ENOMEM


def test_the_raw_door_can_be_insisted_on(heaps):
    # The stand-in is a file, which knows no such ioctl.
    call = heaps["system"].ioctl
    code = error_of(call, ALLOC, request_of(size=2**50), allow_oversized=True)
    assert code == errno.ENOTTY


def test_a_struct_without_a_whole_size_is_the_kernels_to_refuse(heaps):
    for argument in (None, b"", bytes(7)):
        assert error_of(heaps["system"].ioctl, ALLOC, argument) == errno.ENOTTY


# --- Fallback


def test_a_full_heap_gives_way_to_the_next_of_the_chain(heaps, kernel):
    kernel.refusals = [errno.ENOMEM]
    with heaps.allocate(1 * MiB, ("reserved", "system")) as buffer:
        assert "system" in repr(buffer)


def test_only_enomem_moves_on(heaps, kernel):
    kernel.refusals = [errno.EINVAL]
    with pytest.raises(OSError, match="reserved"):
        heaps.allocate(1 * MiB, ("reserved", "system"))
    assert len(kernel.calls) == 1


def test_the_last_heaps_error_is_raised(heaps, kernel):
    kernel.refusals = [errno.ENOMEM, errno.ENOMEM]
    with pytest.raises(OSError, match="system: 1048576"):
        heaps.allocate(1 * MiB, ("reserved", "system"))


@pytest.mark.parametrize("chain", ["system", (), 7])
def test_a_chain_is_a_sequence_of_names(heaps, chain):
    with pytest.raises(ValueError, match="chain="):
        heaps.allocate(4096, chain)
