# SPDX-License-Identifier: MIT
"""A tree of files that remembers what was read through it."""

import os

import pytest

from heapkit.introspection import bufinfo, fdinfo, meminfo
from heapkit.introspection.tree import Tree, tree_of
from tests.unit.introspection.texts import bufinfo as bufinfo_of
from tests.unit.introspection.texts import fdinfo as fdinfo_of


def test_what_was_read_is_written_and_nothing_else(machine, tmp_path):
    root = machine(
        {
            "proc/meminfo": "MemFree: 1 kB\n",
            "proc/7/comm": "x\n",
            "proc/7/environ": "SECRET=1",
            "proc/7/fdinfo/3": fdinfo_of(),
            "proc/7/fdinfo/4": "pos:\t0\n",
        }
    )
    tree = Tree(root)
    meminfo.read(tree)
    fdinfo.read(tree)
    written = tree.write(tmp_path / "capture")
    assert written == ["proc/7/comm", "proc/7/fdinfo/3", "proc/meminfo"]
    assert fdinfo.read(tmp_path / "capture") == fdinfo.read(root)


def test_bytes_that_are_not_utf8_survive_a_capture(machine, tmp_path):
    text = (
        bufinfo_of((4096, 1, "system", 15, "NAME")).encode().replace(b"NAME", b"\xe9")
    )
    tree = Tree(machine({"sys/kernel/debug/dma_buf/bufinfo": text}))
    seen = bufinfo.read(tree)
    tree.write(tmp_path / "capture")
    assert bufinfo.read(tmp_path / "capture") == seen


def test_tree_is_used_as_it_is():
    tree = Tree("/nowhere")
    assert tree_of(tree) is tree
    assert not tree.is_here
    assert Tree().is_here


@pytest.mark.timeout(10)
def test_pipe_in_a_captured_tree_is_not_waited_for(tmp_path):
    (tmp_path / "proc").mkdir()
    os.mkfifo(tmp_path / "proc/meminfo")
    assert Tree(tmp_path).raw("proc/meminfo") == b""
