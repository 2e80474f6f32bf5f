# SPDX-License-Identifier: MIT
"""Numbers of simulated files, and fences on the virtual clock."""

from __future__ import annotations

import errno
import select

import pytest

READY = select.POLLIN | select.POLLOUT


@pytest.fixture
def buffer(sim):
    return sim["system"].allocate(64 * 1024)


# --- Numbers -----------------------------------------------------------------


def test_numbers_begin_after_the_standard_streams(sim):
    buffers = [sim["system"].allocate(4096) for _ in range(3)]
    assert [buffer.fd for buffer in buffers] == [3, 4, 5]
    assert list(sim.files) == [3, 4, 5]


def test_lowest_free_number_is_given_first(sim):
    buffers = [sim["system"].allocate(4096) for _ in range(4)]
    assert [buffer.fd for buffer in buffers] == [3, 4, 5, 6]
    buffers[2].close()
    buffers[0].close()
    again = [sim["system"].allocate(4096) for _ in range(3)]
    assert [buffer.fd for buffer in again] == [3, 5, 7]


def test_number_stays_the_same(buffer):
    assert buffer.fd == buffer.fd


def test_every_reference_has_a_number_of_its_own(buffer):
    with buffer.dup() as other:
        assert other.fd != buffer.fd


def test_closing_by_number_drops_the_reference(sim, buffer):
    sim.files.close(buffer.fd)
    assert sim.buffers == ()
    with pytest.raises(OSError, match="closed"):
        buffer.lseek(0)


@pytest.mark.parametrize("fd", [0, 3, 99, -1])
def test_number_that_is_not_in_use_is_ebadf(sim, fd):
    with pytest.raises(OSError, match="no open file") as caught:
        sim.files.close(fd)
    assert caught.value.errno == errno.EBADF


def test_table_is_a_mapping(sim, buffer):
    assert sim.files[buffer.fd] is buffer
    assert 99 not in sim.files
    assert sim.files.get(99) is None


def test_number_given_back_by_a_closed_buffer_is_not_another_files(sim, buffer):
    number = buffer.fd
    buffer.close()
    other = sim["system"].allocate(4096)
    assert other.fd == number
    buffer.close()
    assert sim.files[number] is other


# --- Fences ------------------------------------------------------------------


def test_fence_signals_when_its_moment_comes(sim):
    fence = sim.fence(1000)
    assert not fence.signalled
    sim.advance(1000)
    assert fence.signalled


def test_fence_signals_when_it_is_told(sim):
    fence = sim.fence()
    sim.advance(10**9)
    assert not fence.signalled
    fence.signal()
    assert (fence.signalled, fence.at_ns) == (True, 10**9)


def test_signalling_twice_changes_nothing(sim):
    fence = sim.fence(0)
    sim.advance(5)
    fence.signal()
    assert fence.at_ns == 0


@pytest.mark.parametrize(
    ("fence_access", "cpu_access", "waits"),
    [
        ("w", "r", True),
        ("w", "w", True),
        ("rw", "rw", True),
        ("r", "r", False),
        ("r", "w", True),
        ("r", "rw", True),
    ],
)
def test_reader_waits_for_writers_and_writer_for_all(
    sim, buffer, fence_access, cpu_access, waits
):
    buffer.begin_cpu_access(cpu_access)
    without = buffer.latency_ns
    buffer.import_sync_file(sim.fence(5000), fence_access)
    buffer.begin_cpu_access(cpu_access)
    assert sim.now_ns == (5000 if waits else 0)
    assert buffer.latency_ns == without + sim.now_ns


def test_end_never_waits(sim, buffer):
    buffer.import_sync_file(sim.fence(5000), "rw")
    buffer.end_cpu_access("rw")
    assert sim.now_ns == 0


def test_last_fence_is_waited_for(sim, buffer):
    for ns in (300, 7000, 20):
        buffer.import_sync_file(sim.fence(ns), "w")
    assert buffer.wait("r") == 7000
    assert buffer.wait("r") == 0


def test_wait_lets_idle_threads_work(sim):
    buffer = sim["system-pooled"].allocate(1 << 20)
    sim["system-pooled"].allocate(1 << 20).close()
    assert sim["system-pooled"].gauges().deferred_bytes
    buffer.import_sync_file(sim.fence(10**9), "w")
    buffer.begin_cpu_access("r")
    assert not sim["system-pooled"].gauges().deferred_bytes


def test_wait_for_what_nobody_signals_is_eintr(sim, buffer):
    fence = sim.fence()
    buffer.import_sync_file(fence, "w")
    with pytest.raises(OSError, match="nobody signals") as caught:
        buffer.begin_cpu_access("r")
    assert caught.value.errno == errno.EINTR
    fence.signal()
    buffer.begin_cpu_access("r")


def test_buffer_without_fences_is_ready_for_both(buffer):
    assert buffer.poll() == READY


def test_buffer_that_is_read_may_be_read_and_not_written(sim, buffer):
    buffer.import_sync_file(sim.fence(100), "r")
    assert buffer.poll() == select.POLLIN


def test_buffer_that_is_written_is_ready_for_nothing(sim, buffer):
    buffer.import_sync_file(sim.fence(100), "w")
    assert buffer.poll() == 0
    sim.advance(100)
    assert buffer.poll() == READY


def test_export_without_fences_is_signalled(buffer):
    file = buffer.export_sync_file("rw")
    assert (file.signalled, file.poll(), file.fences) == (True, select.POLLIN, ())


def test_export_has_what_one_waits_for(sim, buffer):
    reader, writer = sim.fence(10), sim.fence(20)
    buffer.import_sync_file(reader, "r")
    buffer.import_sync_file(writer, "w")
    assert set(buffer.export_sync_file("r").fences) == {writer}
    assert set(buffer.export_sync_file("w").fences) == {reader, writer}


def test_fences_go_from_one_buffer_to_another(sim, buffer):
    other = sim["camera"].allocate(4096)
    buffer.import_sync_file(sim.fence(900), "w")
    with_fence = buffer.export_sync_file("r")
    other.import_sync_file(with_fence, "w")
    assert (other.poll(), with_fence.poll()) == (0, 0)
    other.begin_cpu_access("r")
    assert sim.now_ns == 900
    assert with_fence.signalled


def test_sync_file_has_a_number_until_it_is_closed(sim, buffer):
    file = buffer.export_sync_file()
    number = file.fd
    assert sim.files[number] is file
    sim.files.close(number)
    assert number not in sim.files


def test_references_share_the_fences(sim, buffer):
    with buffer.dup() as other:
        buffer.import_sync_file(sim.fence(50), "w")
        assert other.poll() == 0
