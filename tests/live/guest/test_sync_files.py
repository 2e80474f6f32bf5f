# SPDX-License-Identifier: MIT
"""Sync files: what this kernel answers. No device is at work, so all are signalled."""

from __future__ import annotations

import errno
import os
import select

from heapkit.backends.live import identity
from tests.contract.calls import EXPORT, IMPORT, error_of, sync_file

# Of the kernels that were looked at; CONFIG_SYNC_FILE is what decides. A kernel of
# another name may answer either, but to everything alike.
WITHOUT = ("-cloud-",)  # Debian's for clouds, 6.12 and 7.3


def has_sync_files(buffer):
    return error_of(buffer.ioctl, EXPORT, sync_file(0)) != errno.ENOTTY


def test_a_cloud_kernel_of_debian_has_none(buffer, record_property):
    record_property("sync files", has_sync_files(buffer))
    if any(part in os.uname().release for part in WITHOUT):
        assert not has_sync_files(buffer)


def test_a_kernel_without_them_says_enotty_to_all(buffer):
    if has_sync_files(buffer):
        return
    for command in (EXPORT, IMPORT):
        for argument in (sync_file(3), sync_file(0), None):
            assert error_of(buffer.ioctl, command, argument) == errno.ENOTTY
    assert error_of(buffer.export_sync_file) == errno.ENOTTY


def test_an_exported_file_is_signalled_and_closes_on_exec(buffer):
    if not has_sync_files(buffer):
        assert error_of(buffer.export_sync_file) == errno.ENOTTY
        return
    with buffer.export_sync_file("rw") as file:
        assert identity.link(file.fd) == "anon_inode:sync_file"
        assert (file.signalled, file.poll()) == (True, select.POLLIN)
        assert not os.get_inheritable(file.fd)


def test_a_file_of_one_buffer_goes_into_another(heap, buffer):
    if not has_sync_files(buffer):
        assert error_of(buffer.export_sync_file) == errno.ENOTTY
        return
    with heap.allocate(4096) as other, buffer.export_sync_file("w") as file:
        for access in ("r", "w", "rw"):
            other.import_sync_file(file, access)
        assert other.poll() == select.POLLIN | select.POLLOUT
        assert other.wait("rw") >= 0
        other.begin_cpu_access("rw")
        other.end_cpu_access("rw")


def test_closing_the_heap_closes_its_sync_files(heap, buffer):
    if not has_sync_files(buffer):
        assert error_of(buffer.export_sync_file) == errno.ENOTTY
        return
    file = buffer.export_sync_file()
    heap.close()
    assert error_of(file.poll) == errno.EBADF
