# SPDX-License-Identifier: MIT
"""The live backend on a machine without heaps: a memfd stands in for a dma-buf."""

from __future__ import annotations

import errno
import gc
import os
import sys
from pathlib import Path

import pytest

import heapkit as hk
from heapkit import KiB, MiB, uapi
from heapkit.backends import availability, descriptor, live
from heapkit.backends.live import identity, keeper


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


def closed(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False


# --- What is missing


def test_a_kernel_without_heaps_is_named_in_one_sentence(tmp_path):
    reason = live.missing(tmp_path / "dma_heap")
    assert "CONFIG_DMABUF_HEAPS" in reason
    assert os.uname().release in reason


def test_an_empty_directory_names_the_options_that_fill_it(tmp_path):
    assert "CONFIG_DMABUF_HEAPS_SYSTEM" in live.missing(tmp_path)


def test_a_closed_node_names_its_owner_and_mode(kernel, monkeypatch):
    kernel.add("system")
    (kernel.directory / "system").chmod(0o600)
    monkeypatch.setattr(os, "access", lambda *_: False)
    reason = live.missing(kernel.directory)
    assert "mode 0600" in reason
    assert "udev" in reason


def test_a_node_open_to_a_group_names_the_group(kernel, monkeypatch):
    kernel.add("system")
    (kernel.directory / "system").chmod(0o640)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(availability, "_group_name", lambda _: "video")
    assert "join the group video" in live.missing(kernel.directory)


def test_ids_without_a_name_are_told_as_numbers():
    nobody_has = 2**31 - 7
    assert availability._user_name(nobody_has) == f"uid {nobody_has}"
    assert availability._group_name(nobody_has) == f"gid {nobody_has}"


def test_another_system_than_linux_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "darwin" in live.missing(tmp_path)


def test_nothing_is_missing_where_a_heap_can_be_opened(kernel):
    kernel.add("system")
    assert live.missing(kernel.directory) is None


def test_live_raises_the_same_sentence(tmp_path):
    with pytest.raises(hk.BackendUnavailable) as raised:
        live.live(tmp_path)
    assert str(raised.value) == live.missing(tmp_path)


# --- Heaps


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


# --- Buffers


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
