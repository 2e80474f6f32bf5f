# SPDX-License-Identifier: MIT
"""What each backend's buffers do: references, mappings, CPU access, names."""

import errno
from pathlib import Path

import pytest

from heapkit import KiB, MiB

DESCRIPTORS = Path("/proc/self/fd")


@pytest.fixture
def closed(system):
    buffer = system.allocate(4096)
    buffer.close()
    return buffer


@pytest.fixture
def any_buffer(system):
    """Where it is the same code for every kind."""
    with system.allocate(1 * MiB) as buffer:
        yield buffer


def test_exporter_is_the_heap(heap, buffer):
    assert buffer.exp_name == heap.name


def test_mapping_is_all_of_the_buffer_and_writable(buffer):
    view = buffer.mmap()
    assert (len(view), view.readonly, view.itemsize) == (1 * MiB, False, 1)


def test_mappings_share_the_memory(buffer):
    buffer.mmap()[4095] = 7
    assert buffer.mmap()[4095] == 7


def test_mapping_is_shared_by_every_reference(buffer):
    with buffer.dup() as other:
        buffer.mmap()[:4] = b"heap"
        assert bytes(other.mmap()[:4]) == b"heap"


def test_other_reference_keeps_the_buffer(buffer):
    other = buffer.dup()
    buffer.mmap()[0] = 1
    buffer.close()
    assert other.size == 1 * MiB
    assert other.mmap()[0] == 1
    other.close()


def test_mapping_outlives_the_buffer(heap):
    buffer = heap.allocate(4096)
    view = buffer.mmap()
    view[0] = 3
    buffer.close()
    assert view[0] == 3


def test_two_buffers_share_nothing(heap):
    with heap.allocate(4096) as one, heap.allocate(4096) as other:
        one.mmap()[0] = 1
        assert other.mmap()[0] == 0


def test_cpu_access_begins_and_ends_in_any_order(buffer):
    for access in ("r", "w", "rw"):
        buffer.begin_cpu_access(access)
        buffer.end_cpu_access(access)
    buffer.end_cpu_access("r")
    buffer.begin_cpu_access("r")
    buffer.begin_cpu_access("w")
    buffer.end_cpu_access("rw")


@pytest.mark.parametrize("access", ["", "x", "wr", "RW", None, 3])
@pytest.mark.parametrize("edge", ["begin_cpu_access", "end_cpu_access"])
def test_other_access_is_a_value_error(any_buffer, edge, access):
    with pytest.raises(ValueError, match="access="):
        getattr(any_buffer, edge)(access)


def test_whole_buffer_may_be_spelt_out(any_buffer):
    any_buffer.begin_cpu_access("r", offset=0, length=any_buffer.size)


@pytest.mark.parametrize(
    ("offset", "length"),
    [(-1, None), (0, -1), (0, 1 * MiB + 1), (1 * MiB + 1, None), (4096, 1 * MiB)],
)
def test_part_outside_of_the_buffer_is_refused(any_buffer, offset, length):
    with pytest.raises(ValueError, match=r"offset|length|bytes"):
        any_buffer.begin_cpu_access("r", offset=offset, length=length)


def test_name_is_empty_until_it_is_set(any_buffer):
    assert any_buffer.name == ""
    any_buffer.set_name("preview")
    assert any_buffer.name == "preview"


@pytest.mark.parametrize("name", ["", "a", "n" * 31, "é" * 15])
def test_name_of_31_bytes_is_accepted(any_buffer, name):
    any_buffer.set_name("before")
    any_buffer.set_name(name)
    assert any_buffer.name == name


@pytest.mark.parametrize("name", ["n" * 32, "n" * 4096, "é" * 16])
def test_longer_name_is_einval(any_buffer, name):
    with pytest.raises(OSError, match="name") as caught:
        any_buffer.set_name(name)
    assert caught.value.errno == errno.EINVAL
    assert any_buffer.name == ""


def test_name_with_nul_is_a_value_error(any_buffer):
    with pytest.raises(ValueError, match="NUL"):
        any_buffer.set_name("a\0b")


def test_name_is_the_same_through_every_reference(any_buffer):
    with any_buffer.dup() as other:
        other.set_name("shared")
        assert any_buffer.name == "shared"


def test_closing_twice_does_nothing(any_buffer):
    any_buffer.close()
    any_buffer.close()


@pytest.mark.parametrize(
    "call",
    [
        lambda b: b.mmap(),
        lambda b: b.dup(),
        lambda b: b.set_name("x"),
        lambda b: b.begin_cpu_access(),
        lambda b: b.end_cpu_access(),
        lambda b: b.size,
        lambda b: b.exp_name,
        lambda b: b.name,
        lambda b: b.__enter__(),
    ],
)
def test_closed_buffer_is_ebadf(closed, call):
    with pytest.raises(OSError, match="closed") as caught:
        call(closed)
    assert caught.value.errno == errno.EBADF


def test_context_manager_closes_even_when_the_body_raises(system):
    with pytest.raises(RuntimeError), system.allocate(4096) as buffer:
        raise RuntimeError
    with pytest.raises(OSError, match="closed"):
        buffer.mmap()


def test_repr_says_heap_size_and_state(heap):
    buffer = heap.allocate(64 * KiB)
    assert heap.name in repr(buffer)
    assert "64 KiB" in repr(buffer)
    buffer.close()
    assert "closed" in repr(buffer)


def test_no_descriptor_is_left_behind(heap):
    def cycle():
        with heap.allocate(4096) as buffer, buffer.dup() as other:
            view = other.mmap()
            view.release()

    cycle()
    before = len(list(DESCRIPTORS.iterdir()))
    for _ in range(16):
        cycle()
    assert len(list(DESCRIPTORS.iterdir())) == before
