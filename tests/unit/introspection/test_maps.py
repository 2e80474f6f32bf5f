# SPDX-License-Identifier: MIT
"""maps of every process: only dma-bufs are looked at."""

import pytest

from heapkit.errors import FormatError
from heapkit.introspection import maps
from heapkit.introspection.tree import Tree
from tests.unit.introspection.texts import maps as text_of


def test_mapping_of_a_buffer_is_its_inode_length_and_name():
    (one,) = maps.parse(text_of(14, 8192, name="front camera"))
    assert one == maps.DmaBufMap(14, 8192, 0, "front camera")


def test_mapping_of_a_buffer_without_a_name_has_none():
    (one,) = maps.parse(text_of())
    assert one.name is None


def test_line_break_in_a_name_comes_back():
    (one,) = maps.parse(text_of(name="a\\012b"))
    assert one.name == "a\nb"


def test_text_that_is_no_maps_is_refused_with_its_line():
    text = text_of() + "7f-zz rw-s 0 00:08 14 /dmabuf:\n"
    with pytest.raises(FormatError, match="no line of maps") as caught:
        maps.parse(text, path="maps")
    assert caught.value.line == 3


def test_mappings_of_other_files_are_neither_read_nor_kept(machine, tmp_path):
    strange = "7fff-8fff r--p 0 08:01 5 /a file\nthat breaks the line\n"
    tree = Tree(
        machine({"proc/7/comm": "x\n", "proc/7/maps": strange + text_of(14, 4096)})
    )
    (one,) = maps.read(tree).mappings
    assert (one.process.pid, one.map.inode) == (7, 14)
    tree.write(tmp_path / "capture")
    kept = (tmp_path / "capture/proc/7/maps").read_text()
    assert kept == text_of(14, 4096).splitlines(keepends=True)[1]


def test_kernel_thread_without_mappings_is_passed_over(machine):
    found = maps.read(machine({"proc/2/comm": "kthreadd\n", "proc/2/maps": ""}))
    assert (found.mappings, found.walked.read) == ((), 1)
