# SPDX-License-Identifier: MIT
"""What a buffer is to the kernel that exported it."""

from __future__ import annotations

import errno
import mmap
import os
import stat
from pathlib import Path

import pytest

from heapkit import KiB
from tests.contract.calls import error_of
from tests.live.guest.open_files import bufinfo


def inode(buffer):
    return buffer.ino


def test_a_buffer_is_a_file_of_its_size(buffer):
    status = os.fstat(buffer.fileno())
    assert (status.st_size, status.st_blocks * 512) == (buffer.size, buffer.size)
    assert stat.S_IMODE(status.st_mode) == 0o600


def test_a_descriptor_closes_on_exec(buffer):
    assert not os.get_inheritable(buffer.fileno())
    with buffer.dup() as other:
        assert not os.get_inheritable(other.fileno())


def test_the_name_is_what_the_memory_map_shows(buffer):
    buffer.set_name("camera 0")
    view = buffer.mmap()
    maps = Path("/proc/self/maps").read_text().splitlines()
    (line,) = [line for line in maps if line.endswith("/dmabuf:camera 0")]
    start, end = (int(word, 16) for word in line.split()[0].split("-"))
    assert (end - start, line.split()[1]) == (len(view), "rw-s")


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


def test_a_mapping_is_shared_over_fork(buffer):
    view = buffer.mmap()
    child = os.fork()
    if not child:
        view[0] = 42
        os._exit(0)
    os.waitpid(child, 0)
    assert view[0] == 42


@pytest.mark.parametrize(
    ("advice", "code"),
    [
        (mmap.MADV_DONTNEED, errno.EINVAL),
        (mmap.MADV_REMOVE, errno.ENODEV),
        (mmap.MADV_DONTFORK, 0),
        (mmap.MADV_DOFORK, errno.EINVAL),
    ],
)
def test_a_mapping_has_no_pages_to_be_advised_about(buffer, advice, code):
    mapped = buffer.mmap().obj
    mapped[0] = 1  # a CMA heap maps a page when it is touched
    assert error_of(mapped.madvise, advice) == code


def test_a_mapping_is_not_read_through_proc_and_is_written_from(buffer, tmp_path):
    view = buffer.mmap()
    view[:4] = b"heap"
    maps = Path("/proc/self/maps").read_text().splitlines()
    (line,) = [line for line in maps if line.endswith("/dmabuf:")]
    address = int(line.split("-")[0], 16)
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    try:
        assert error_of(os.pread, memory, 4, address) == errno.EIO
    finally:
        os.close(memory)
    file = tmp_path / "copy"
    with file.open("wb") as out:
        assert out.write(view[:4]) == 4
    assert file.read_bytes() == b"heap"


def test_an_executable_mapping_is_refused_since_linux_7_3(buffer):
    prot = mmap.PROT_READ | mmap.PROT_EXEC
    code = error_of(buffer.mmap, prot=prot)
    release = tuple(map(int, os.uname().release.split(".")[:2]))
    # 7.3 mounts the dma-bufs noexec; which release began with it was not looked up.
    if release <= (6, 12):
        assert code == 0
    elif release >= (7, 3):
        assert code == errno.EPERM
    else:
        assert code in (0, errno.EPERM)
