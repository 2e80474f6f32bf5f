# SPDX-License-Identifier: MIT
"""Nothing stays open: descriptors of this process and dma-bufs of the kernel."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import pytest

import heapkit as hk
from heapkit.backends import live
from tests.contract.calls import ALLOC, error_of, request_of
from tests.live.guest.open_files import few_numbers, held

CYCLES = 1000


def test_a_thousand_allocations_leave_nothing(heaps, heap):
    before = held()
    for _ in range(CYCLES):
        with heap.allocate(4096):
            pass
    assert held() == before


def test_a_thousand_refusals_leave_nothing(heap, buffer):
    before = held()
    for _ in range(CYCLES // 4):
        assert error_of(heap.allocate, 0) == errno.EINVAL
        assert error_of(heap.ioctl, ALLOC, request_of(heap_flags=1)) == errno.EINVAL
        assert error_of(heap.ioctl, ALLOC, None) == errno.EFAULT
        assert error_of(buffer.mmap, length=0) == errno.EINVAL
    assert held() == before


def test_mappings_and_duplicates_leave_nothing(heap):
    before = held()
    for _ in range(CYCLES // 10):
        with heap.allocate(64 * 1024) as buffer, buffer.dup() as other:
            other.mmap()[0] = 1
    assert held() == before


@pytest.mark.parametrize("spare", [0, 1, 2])
def test_running_out_of_numbers_in_the_middle_leaves_nothing(heap_name, heap, spare):
    before = held()
    with few_numbers(spare):
        kept = [heap.allocate(4096) for _ in range(spare)]
        assert error_of(heap.allocate, 4096) == errno.EMFILE
        assert error_of(heap.ioctl, ALLOC, request_of()) == errno.EMFILE
        assert error_of(hk.live) == errno.EMFILE
        for buffer in kept:
            assert error_of(buffer.dup) == errno.EMFILE
            assert error_of(buffer.mmap) == errno.EMFILE
        for buffer in kept:
            buffer.close()
    assert held() == before


def test_closing_the_heaps_leaves_nothing():
    before = held()
    with hk.live() as others:
        buffers = [others[name].allocate(4096) for name in others]
        buffers += [buffer.dup() for buffer in buffers]
        assert held() > before
    assert held() == before


def die(how):
    """End this process as a restarted kernel of Jupyter may end."""
    if how is None:
        os._exit(1)
    os.kill(os.getpid(), how)


@pytest.mark.parametrize("how", [None, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_a_process_that_ends_gives_its_buffers_back(heap_name, how):
    before = held()
    child = os.fork()
    if not child:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        kept = [live.live()[heap_name].allocate(4096) for _ in range(8)]
        views = [buffer.mmap() for buffer in kept]
        die(how)
        del views
    os.waitpid(child, 0)
    assert held() == before


def test_a_child_closes_its_own_copies_only(heap, buffer):
    child = os.fork()
    if not child:
        buffer.close()
        heap.close()
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert buffer.size == os.lseek(buffer.fd, 0, os.SEEK_END)
    with heap.allocate(4096) as other:
        assert other.ino > buffer.ino


AT_EXIT = """
import atexit, os
def dma_bufs():
    files = [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")]
    links = [os.readlink(file) for file in files if os.path.lexists(file)]
    return sum(link.startswith("/dmabuf") for link in links)
atexit.register(lambda: print(dma_bufs()))  # the last to run
import heapkit as hk
heaps = hk.live()
kept = [heaps["system"].allocate(4096) for _ in range(3)]
print(dma_bufs())
raise SystemExit
"""


def test_an_interpreter_that_ends_in_order_has_closed_everything():
    command = [sys.executable, "-W", "error", "-c", AT_EXIT]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["3", "0"], "")
