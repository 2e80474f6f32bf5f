# SPDX-License-Identifier: MIT
"""Each row of the kernel's errno table that a buffer answers, on both backends."""

from __future__ import annotations

import errno
import os
import select

import pytest

from heapkit import KiB
from tests.contract.calls import (
    ALLOC,
    EXPORT,
    IMPORT,
    SET_NAMES,
    SYNC,
    error_of,
    sized,
    sync,
    sync_file,
)

SIZE = 124 * KiB
READY = select.POLLIN | select.POLLOUT


@pytest.fixture
def buffer(system):
    with system.allocate(SIZE) as buffer:
        yield buffer


@pytest.fixture
def sync_files(buffer):
    """Whether this kernel has any; one without says ENOTTY, whatever it is asked."""
    code = error_of(buffer.ioctl, EXPORT, sync_file(0))
    assert code in (errno.EINVAL, errno.ENOTTY)
    return code == errno.EINVAL


# --- SYNC --------------------------------------------------------------------


@pytest.mark.parametrize("flags", [1, 2, 3, 5, 6, 7])
def test_sync_of_any_direction_succeeds_at_both_ends(buffer, flags):
    assert buffer.ioctl(SYNC, sync(flags)) == 0


@pytest.mark.parametrize("mode", [os.O_RDONLY, os.O_WRONLY])
def test_sync_does_not_look_at_the_access_mode(different, mode):
    with different.allocate(4096, fd_flags=mode) as buffer:
        assert buffer.ioctl(SYNC, sync(3)) == 0


def test_sync_end_without_start_and_start_twice_succeed(buffer):
    for flags in (7, 1, 1, 6):
        assert buffer.ioctl(SYNC, sync(flags)) == 0


@pytest.mark.parametrize("flags", [0, 4, 8, 9, 1 << 63, 1 << 63 | 1])
def test_sync_without_a_direction_or_with_more_is_einval(buffer, flags):
    assert error_of(buffer.ioctl, SYNC, sync(flags)) == errno.EINVAL


@pytest.mark.parametrize("argument", [None, bytearray(7)], ids=["NULL", "short"])
def test_sync_of_no_struct_is_efault(buffer, argument):
    assert error_of(buffer.ioctl, SYNC, argument) == errno.EFAULT


@pytest.mark.parametrize("command", [SYNC + 99, SYNC + 4, ALLOC, sized(SYNC, 24)])
def test_ioctl_that_a_buffer_does_not_know_is_enotty(buffer, command):
    assert error_of(buffer.ioctl, command, bytearray(24)) == errno.ENOTTY


# --- SET_NAME ----------------------------------------------------------------


@pytest.mark.parametrize("command", SET_NAMES)
@pytest.mark.parametrize("name", [b"a", b"n" * 31, b""])
def test_name_of_31_bytes_is_taken_by_either_number(buffer, command, name):
    buffer.set_name("before")
    assert buffer.ioctl(command, name) == 0
    assert buffer.name == name.decode()


def test_name_ends_at_its_nul(buffer):
    buffer.ioctl(SET_NAMES[0], b"preview\0" + b"x" * 40)
    assert buffer.name == "preview"


@pytest.mark.parametrize("command", SET_NAMES)
@pytest.mark.parametrize(
    ("name", "code"), [(b"n" * 32, errno.EINVAL), (None, errno.EFAULT)]
)
def test_name_too_long_is_einval_and_null_is_efault(buffer, command, name, code):
    assert error_of(buffer.ioctl, command, name) == code


# --- Sync files --------------------------------------------------------------


@pytest.mark.parametrize("access", ["r", "w", "rw"])
def test_sync_file_goes_out_and_in_or_there_are_none(buffer, sync_files, access):
    if not sync_files:
        assert error_of(buffer.export_sync_file, access) == errno.ENOTTY
        return
    file = buffer.export_sync_file(access)
    assert (file.signalled, file.poll()) == (True, select.POLLIN)
    buffer.import_sync_file(file, access)
    file.close()
    file.close()


def test_exported_number_is_a_file_that_can_be_imported(buffer, sync_files):
    if sync_files:
        file = buffer.export_sync_file("rw")
        assert buffer.ioctl(IMPORT, sync_file(3, file.fd)) == 0
        file.close()


@pytest.mark.parametrize("flags", [0, 4, 5])
@pytest.mark.parametrize("command", [EXPORT, IMPORT])
def test_sync_file_without_a_direction_is_einval(buffer, sync_files, command, flags):
    code = error_of(buffer.ioctl, command, sync_file(flags))
    assert code == (errno.EINVAL if sync_files else errno.ENOTTY)


def test_import_of_what_is_no_sync_file_is_einval(buffer, sync_files):
    for fd in (-1, 10**6, buffer.fd):
        code = error_of(buffer.ioctl, IMPORT, sync_file(3, fd))
        assert code == (errno.EINVAL if sync_files else errno.ENOTTY)


@pytest.mark.parametrize("command", [EXPORT, IMPORT])
def test_sync_file_of_no_struct_is_efault(buffer, sync_files, command):
    code = error_of(buffer.ioctl, command, None)
    assert code == (errno.EFAULT if sync_files else errno.ENOTTY)


@pytest.mark.parametrize("access", ["", "x", None])
def test_sync_file_of_another_access_is_a_value_error(buffer, access):
    with pytest.raises(ValueError, match="access="):
        buffer.export_sync_file(access)


# --- The other operations of the file -----------------------------------------


@pytest.mark.parametrize(
    ("use", "code"),
    [
        ("read", errno.EINVAL),
        ("write", errno.EINVAL),
        ("truncate", errno.EINVAL),
        ("fallocate", errno.ENODEV),
    ],
)
def test_buffer_is_no_file_to(buffer, use, code):
    assert error_of(getattr(buffer, use)) == code


def test_buffer_seeks_to_its_ends(buffer):
    assert buffer.lseek(0, os.SEEK_END) == SIZE
    assert buffer.lseek(0) == 0


@pytest.mark.parametrize(
    ("offset", "whence"),
    [(1, os.SEEK_SET), (0, os.SEEK_CUR), (1, os.SEEK_END), (-1, os.SEEK_END)],
)
def test_buffer_seeks_nowhere_else(buffer, offset, whence):
    assert error_of(buffer.lseek, offset, whence) == errno.EINVAL


def test_buffer_that_no_device_uses_is_ready_for_both(buffer):
    assert buffer.poll() == READY
    assert buffer.wait("r") >= 0
    assert buffer.wait("rw") >= 0


def test_references_share_the_inode_and_have_their_own_numbers(buffer):
    with buffer.dup() as other:
        assert other.ino == buffer.ino
        assert other.fd != buffer.fd
        assert other.close_on_exec


def test_buffers_have_inodes_of_their_own(system, buffer):
    with system.allocate(4096) as other:
        assert other.ino > buffer.ino > 0


@pytest.mark.parametrize(
    "use",
    [
        lambda b: b.fd,
        lambda b: b.ino,
        lambda b: b.fd_flags,
        lambda b: b.ioctl(SYNC, sync(3)),
        lambda b: b.lseek(0),
        lambda b: b.poll(),
        lambda b: b.wait(),
        lambda b: b.read(),
        lambda b: b.export_sync_file(),
    ],
)
def test_closed_buffer_is_ebadf_to(buffer, use):
    buffer.close()
    assert error_of(use, buffer) == errno.EBADF
