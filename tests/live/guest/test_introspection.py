# SPDX-License-Identifier: MIT
"""What a running kernel says of buffers that are known to be there."""

from __future__ import annotations

import os

import pytest

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.introspection import cma, fdinfo


def inode(buffer):
    return os.fstat(buffer.fileno()).st_ino


def row(buffer_inode):
    """What introspection says of the buffer."""
    (found,) = [b for b in hk.introspect().buffers if b.inode == buffer_inode]
    return found


def test_a_buffer_is_one_row_of_every_source(buffer, heap_name):
    buffer.set_name("seen by all")
    seen = row(inode(buffer))
    assert (seen.size, seen.exp_name, seen.name) == (
        124 * KiB,
        heap_name,
        "seen by all",
    )
    assert seen.pids == (os.getpid(),)
    assert "fdinfo" in seen.sources
    assert seen.disagreements == ()


def test_a_duplicate_is_a_second_descriptor_and_no_second_process(buffer):
    with buffer.dup():
        seen = row(inode(buffer))
    assert len(seen.holders[0].fds) == 2
    assert (seen.rss, seen.pss, seen.count) == (seen.size, seen.size, 2)


def test_a_mapping_outlives_the_descriptor(heap):
    buffer = heap.allocate(64 * KiB)
    number, view = inode(buffer), buffer.mmap()
    buffer.close()
    seen = row(number)
    assert seen.holders[0].maps == (64 * KiB,)
    assert "maps" in seen.sources
    view.release()


def test_a_closed_buffer_is_gone(heap):
    with heap.allocate(4 * KiB) as buffer:
        number = inode(buffer)
    assert number not in {b.inode for b in hk.introspect().buffers}


@pytest.mark.parametrize("name", ["a\nb", "\tAttached Devices:", "<b>", "x\nTotal 0 o"])
def test_a_hostile_name_hides_nothing(heap, name):
    with heap.allocate(4 * KiB) as hostile, heap.allocate(8 * KiB) as other:
        hostile.set_name(name)
        look = hk.introspect()
        seen = {b.inode: b for b in look.buffers}
        assert seen[inode(hostile)].name.strip() == name.strip()
        assert seen[inode(other)].size == 8 * KiB
        assert "<b>" not in look._repr_html_()


def test_a_capture_says_the_same_without_the_kernel(buffer, tmp_path):
    look = hk.introspect()
    look.capture(tmp_path / "capture")
    again = hk.introspect(tmp_path / "capture")
    assert [b.said for b in again.buffers] == [b.said for b in look.buffers]
    assert [(s.name, s.status) for s in again.sources] == [
        (s.name, s.status) for s in look.sources
    ]


@pytest.mark.needs("bufinfo")
def test_debugfs_lists_the_buffer_too(buffer):
    assert {"bufinfo", "fdinfo"} <= set(row(inode(buffer)).sources)


def test_descriptors_of_this_process_need_no_root(buffer):
    found = {r.info.inode for r in fdinfo.read().references}
    assert inode(buffer) in found


@pytest.mark.needs("a CMA heap")
@pytest.mark.needs("CMA debugfs")
def test_a_cma_area_shows_what_its_heap_gave(heaps):
    before = cma.read()["reserved"]
    with heaps["reserved"].allocate(3 * MiB):
        during = hk.introspect().cma["reserved"]
    assert during.used_bytes - before.used_bytes == 3 * MiB
    assert during.attributes["differs"] == ""
    assert during.attributes["alloc_pages_success"] >= 3 * MiB // (4 * KiB)
