# SPDX-License-Identifier: MIT
"""How a live heap's files are watched: descriptors of this process, none left over."""

import errno
import mmap
import os
import signal

import pytest

from heapkit.backends.live import vgem
from heapkit.conformance import live_subject
from heapkit.conformance.live_subject import LiveSubject


class Node:
    """As much of a heap as the subject itself needs: a descriptor."""

    name = "system"

    def __init__(self, fd, does=lambda: 0):
        self._fd, self._does = fd, does

    def fileno(self):
        return self._fd

    def ioctl(self, _cmd, _arg, *, allow_oversized):
        assert allow_oversized
        return self._does()


@pytest.fixture
def node(tmp_path):
    (tmp_path / "node").touch()
    fd = os.open(tmp_path / "node", os.O_RDWR)
    yield fd
    os.close(fd)


@pytest.fixture
def subject(node):
    return LiveSubject(Node(node))


def test_numbers_are_the_open_descriptors_and_not_the_one_that_lists_them(subject):
    before = subject.numbers()
    fd = os.open("/proc/self/status", os.O_RDONLY)
    assert subject.numbers() - before == {fd}
    subject.close_number(fd)
    assert subject.numbers() == before


def test_descriptor_that_leaks_is_found_and_closed(subject):
    before = subject.numbers()
    new = subject.leaked(lambda: os.open("/proc/self/status", os.O_RDONLY))
    assert len(new) == 1
    subject.clean()
    assert subject.numbers() == before


def test_no_number_is_left_for_as_long_as_it_is_asked(subject):
    with subject.no_number_left(), pytest.raises(OSError, match="Too many open files"):
        os.open("/proc/self/status", os.O_RDONLY)
    os.close(os.open("/proc/self/status", os.O_RDONLY))


def test_heap_is_opened_again_in_another_mode(subject):
    fd = subject.reopened(os.O_WRONLY)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.read(fd, 1)
    subject.clean()


def test_address_is_where_the_mapping_begins(subject):
    mapping = mmap.mmap(-1, 4096)
    assert subject.address(mapping) % mmap.PAGESIZE == 0
    mapping.close()


def test_child_that_is_killed_is_told_by_its_signal(node):
    subject = LiveSubject(Node(node, lambda: os.kill(os.getpid(), signal.SIGKILL)))
    assert subject.ask_for_everything(1) == "killed by SIGKILL"


def test_child_that_is_refused_is_told_by_the_errno(node):
    def refuses():
        raise OSError(errno.ENOMEM, "no")

    assert LiveSubject(Node(node, refuses)).ask_for_everything(1) == "ENOMEM"


def test_child_that_gets_everything_is_ok(node):
    assert LiveSubject(Node(node)).ask_for_everything(1) is None


def test_child_that_raises_something_else_does_not_go_on(node):
    def raises():
        raise KeyError

    assert LiveSubject(Node(node, raises)).ask_for_everything(1) == "EPROTO"


def test_child_that_does_not_end_is_ended(node, monkeypatch):
    monkeypatch.setattr(live_subject, "_CHILD_ENDS_S", 0.05)
    subject = LiveSubject(Node(node, signal.pause))
    with pytest.raises(TimeoutError, match="no answer"):
        subject.ask_for_everything(1)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("system", "system"),
        ("system-uncached", "system"),
        ("reserved", "cma"),
        ("linux,cma", "cma"),
        ("default_cma_region", "cma"),
        ("protected,secure-video", "secure"),
        ("camera", "unknown"),
    ],
)
def test_kind_of_a_heap_is_told_by_its_name(node, name, kind):
    heap = Node(node)
    heap.name = name
    assert LiveSubject(heap).kind == kind


def test_machine_without_vgem_is_told_what_would_give_it(monkeypatch, tmp_path):
    monkeypatch.setattr(vgem, "CARDS", tmp_path)
    (tmp_path / "card0").touch()  # a file that is no device
    assert "modprobe vgem" in vgem.missing()
    with pytest.raises(FileNotFoundError, match="vgem"):
        vgem.imported(0)
