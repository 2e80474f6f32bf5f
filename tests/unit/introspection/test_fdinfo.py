# SPDX-License-Identifier: MIT
"""fdinfo of every process: dma-bufs, hostile names, processes that end or deny."""

import pytest

from heapkit.errors import FormatError
from heapkit.introspection import fdinfo
from tests.unit.introspection.texts import fdinfo as text_of


def test_fdinfo_of_a_buffer_is_its_inode_size_references_and_exporter():
    info = fdinfo.parse(text_of(14, 126_976, count=3))
    assert info == fdinfo.FdInfo(14, 126_976, 3, "system", None)


def test_fdinfo_of_another_file_is_none():
    assert fdinfo.parse("pos:\t0\nflags:\t0100002\nmnt_id:\t25\nino:\t9\n") is None


@pytest.mark.parametrize(
    "name", ["my-buffer", "two words", "", "a\nb", "x\nsize:\t1", "\n", "<b>&\"'"]
)
def test_name_is_all_that_follows_whatever_it_holds(name):
    info = fdinfo.parse(text_of(name=name))
    assert (info.name, info.size) == (name, 126_976)


def test_fdinfo_before_5_14_has_no_inode():
    info = fdinfo.parse("size:   1048576\ncount:  4\nexp_name: drm\n")
    assert info == fdinfo.FdInfo(None, 1_048_576, 4, "drm")


@pytest.mark.parametrize(("key", "line"), [("ino", 4), ("size", 5), ("count", 6)])
def test_number_that_is_none_is_refused_with_its_line(key, line):
    lines = [
        x if x[: len(key)] != key else f"{key}:\t0x1f" for x in text_of().split("\n")
    ]
    with pytest.raises(FormatError, match=f"expected {key}:") as caught:
        fdinfo.parse("\n".join(lines), path="fdinfo")
    assert (caught.value.line, caught.value.text) == (line, "0x1f")


def test_every_process_that_holds_a_buffer_is_found(machine):
    root = machine(
        {
            "proc/7/comm": "camera (hal) 1\n",
            "proc/7/fdinfo/3": text_of(14),
            "proc/7/fdinfo/12": text_of(15, 4096),
            "proc/7/fdinfo/4": "pos:\t0\n",
            "proc/20/comm": "gralloc\n",
            "proc/20/fdinfo/5": text_of(14),
            "proc/meminfo": "",
        }
    )
    held = [
        (r.process.pid, r.process.comm, r.fd, r.info.inode)
        for r in fdinfo.read(root).references
    ]
    assert held == [
        (7, "camera (hal) 1", 3, 14),
        (7, "camera (hal) 1", 12, 15),
        (20, "gralloc", 5, 14),
    ]


def test_descriptor_that_links_elsewhere_is_not_read(machine):
    root = machine({"proc/7/comm": "x\n", "proc/7/fdinfo/3": "size:\tnonsense\n"})
    (root / "proc/7/fd").mkdir()
    (root / "proc/7/fd/3").symlink_to("socket:[4711]")
    assert fdinfo.read(root).references == ()


def test_process_that_ends_while_it_is_read_is_passed_over(machine):
    root = machine({"proc/7/fdinfo/3": text_of(), "proc/8/cmdline": ""})
    found = fdinfo.read(root)
    assert found.references == ()
    assert found.walked.unreadable == 0


def test_process_that_may_not_be_read_is_counted(machine, monkeypatch):
    root = machine({"proc/7/comm": "x\n", "proc/7/fdinfo/3": text_of()})

    def deny(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(fdinfo.Tree, "link", deny)
    assert fdinfo.read(root).walked.unreadable == 1


def test_own_processes_need_no_root():
    assert fdinfo.read().walked.read >= 1
