# SPDX-License-Identifier: MIT
"""What a buffer is to the kernel that exported it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

import heapkit as hk
from heapkit import KiB, MiB
from tests.conftest import skip_or_fail

BUFINFO = Path("/sys/kernel/debug/dma_buf/bufinfo")


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


def bufinfo():
    if not BUFINFO.exists():
        skip_or_fail("debugfs is not mounted, or this is not root")
    return hk.read(BUFINFO)


def inode(buffer):
    return os.fstat(buffer.fileno()).st_ino


@pytest.mark.parametrize(
    ("asked", "given"), [(1, 4096), (4096, 4096), (4097, 8192), (MiB + 1, MiB + 4096)]
)
def test_a_size_is_rounded_up_to_pages(heap, asked, given):
    with heap.allocate(asked) as buffer:
        assert buffer.size == given


def test_the_exporter_is_the_heap(buffer, heap_name):
    assert buffer.exp_name == heap_name


def test_a_buffer_is_a_file_of_its_size(buffer):
    status = os.fstat(buffer.fileno())
    assert (status.st_size, status.st_blocks * 512) == (buffer.size, buffer.size)
    assert stat.S_IMODE(status.st_mode) == 0o600


def test_a_descriptor_closes_on_exec(buffer):
    assert not os.get_inheritable(buffer.fileno())
    with buffer.dup() as other:
        assert not os.get_inheritable(other.fileno())


def test_memory_is_zero_even_where_it_was_dirty(heap):
    with heap.allocate(1 * MiB) as dirty:
        view = dirty.mmap()
        view[:] = b"\xff" * len(view)
        view.release()
    with heap.allocate(1 * MiB) as clean:
        assert not any(bytes(clean.mmap()))


def test_a_duplicate_is_the_same_buffer(buffer):
    with buffer.dup() as other:
        buffer.mmap()[7] = 42
        assert other.mmap()[7] == 42
        assert inode(other) == inode(buffer)


def test_a_name_is_empty_at_first_and_can_be_changed(buffer):
    names = [buffer.name]
    for name in ("camera", "31 bytes are the most there are", "größe", ""):
        buffer.set_name(name)
        names.append(buffer.name)
    assert names == ["", "camera", "31 bytes are the most there are", "größe", ""]


@pytest.mark.parametrize("length", [32, 33, 5000])
def test_a_name_of_32_bytes_is_too_long(buffer, length):
    with pytest.raises(hk.errors.InvalidArgument):
        buffer.set_name("x" * length)


def test_a_name_is_shared_by_every_reference(buffer):
    with buffer.dup() as other:
        other.set_name("preview")
        assert buffer.name == "preview"


def test_the_name_is_what_the_memory_map_shows(buffer):
    buffer.set_name("camera 0")
    view = buffer.mmap()
    maps = Path("/proc/self/maps").read_text().splitlines()
    (line,) = [line for line in maps if line.endswith("/dmabuf:camera 0")]
    start, end = (int(word, 16) for word in line.split()[0].split("-"))
    assert (end - start, line.split()[1]) == (len(view), "rw-s")


@pytest.mark.parametrize("access", ["r", "w", "rw"])
def test_the_cpu_may_begin_and_end_in_any_order(buffer, access):
    # The kernel keeps no state between the two.
    buffer.end_cpu_access(access)
    buffer.begin_cpu_access(access)
    buffer.begin_cpu_access(access)
    buffer.end_cpu_access(access)


def test_bufinfo_lists_the_buffer_as_we_see_it(buffer):
    buffer.set_name("from bufinfo")
    (row,) = [b for b in bufinfo().buffers if b.inode == inode(buffer)]
    assert (row.size, row.exp_name, row.name) == (
        buffer.size,
        buffer.exp_name,
        "from bufinfo",
    )
    assert (row.count, row.flags, row.attached) == (1, os.O_RDWR, ())


def test_bufinfo_counts_references(buffer):
    with buffer.dup():
        view = buffer.mmap()
        (row,) = [b for b in bufinfo().buffers if b.inode == inode(buffer)]
        # Two descriptors, the mapping, and the descriptor Python's mmap keeps.
        assert row.count == 4
        view.release()


def test_a_mapping_outlives_its_buffer_in_bufinfo(heap):
    buffer = heap.allocate(64 * KiB)
    number, view = inode(buffer), buffer.mmap()
    buffer.close()
    assert number in {b.inode for b in bufinfo().buffers}
    del view
    assert number not in {b.inode for b in bufinfo().buffers}


def test_bufinfo_is_newest_first_and_adds_up(heap):
    kept = [heap.allocate(size * KiB) for size in (4, 64, 8)]
    seen = bufinfo()
    mine = [b.size for b in seen.buffers if b.inode in set(map(inode, kept))]
    heap.close()
    assert mine == [8 * KiB, 64 * KiB, 4 * KiB]
    assert seen.total_bytes >= 76 * KiB


def test_no_descriptor_is_leaked(heaps, heap):
    before = descriptors()
    for size in (4 * KiB, 64 * KiB) * 50:
        with heap.allocate(size) as buffer, buffer.dup() as other:
            view = other.mmap()
            view.release()
    for _ in range(50):
        with pytest.raises(OSError, match="Invalid argument"):
            heap.allocate(0)
    assert descriptors() == before


def test_closing_the_heaps_leaves_no_descriptor():
    before = descriptors()
    with hk.live() as others:
        buffers = [others[name].allocate(4096) for name in others]
        buffers += [buffer.dup() for buffer in buffers]
        assert descriptors() > before + len(buffers)
    assert descriptors() == before


def test_a_closed_reference_is_a_bad_descriptor(heap):
    buffer = heap.allocate(4096)
    buffer.close()
    with pytest.raises(OSError, match="closed") as raised:
        buffer.begin_cpu_access()
    assert raised.value.errno == errno.EBADF
