# SPDX-License-Identifier: MIT
"""mmap(2) of a buffer: the rows of the errno table, on both backends."""

from __future__ import annotations

import errno
import mmap
import os

import pytest

from heapkit import KiB, MiB
from tests.contract.calls import error_of

READ, WRITE = mmap.PROT_READ, mmap.PROT_WRITE
SIZE = 124 * KiB


@pytest.fixture
def buffer(different):
    with different.allocate(SIZE) as buffer:
        yield buffer


@pytest.mark.parametrize(
    ("arguments", "length"),
    [
        ({}, SIZE),
        ({"length": 4095}, 4095),
        ({"offset": 4096, "length": 120 * KiB}, 120 * KiB),
    ],
)
def test_shared_mapping_succeeds(buffer, arguments, length):
    view = buffer.mmap(**arguments)
    assert (len(view), view.readonly) == (length, False)


REFUSED = {
    "past the end": {"length": SIZE + 1},
    "offset at the end": {"offset": SIZE, "length": 4096},
    "offset within a page": {"offset": 1, "length": 4096},
    "offset 2^63 - 4096": {"offset": 2**63 - 4096, "length": 4096},
    "length 0": {"length": 0},
    "neither shared nor private": {"flags": 0},
}


@pytest.mark.parametrize("case", REFUSED)
def test_mapping_is_einval(buffer, case):
    assert error_of(buffer.mmap, **REFUSED[case]) == errno.EINVAL


def test_mapping_at_an_offset_is_that_part(buffer):
    buffer.mmap()[4096] = 9
    assert buffer.mmap(offset=4096, length=1)[0] == 9


def test_mapping_without_write_is_read_only(buffer):
    assert buffer.mmap(prot=READ).readonly


def test_private_mapping_is_a_copy_where_one_is_made(different, buffer):
    buffer.mmap()[0] = 1
    page = {"flags": mmap.MAP_PRIVATE, "length": 4096}
    # A CMA heap shares its mappings: "reserved" is Linux 6.12's name of one.
    if different.name in ("default_cma_region", "reserved"):
        assert error_of(buffer.mmap, **page) == errno.EINVAL
        return
    view = buffer.mmap(**page)
    assert view[0] == 1
    view[0] = 2
    assert buffer.mmap()[0] == 1


@pytest.mark.parametrize("size", [124 * KiB, 3 * MiB])
@pytest.mark.parametrize("prot", [READ, READ | WRITE])
def test_private_mapping_over_several_chunks_is_einval(system, prot, size):
    with system.allocate(size) as buffer:
        code = error_of(buffer.mmap, flags=mmap.MAP_PRIVATE, prot=prot)
    assert code == errno.EINVAL


@pytest.mark.parametrize(
    ("mode", "prot", "code"),
    [
        (os.O_RDONLY, READ, 0),
        (os.O_RDONLY, WRITE, errno.EACCES),
        (os.O_RDONLY, READ | WRITE, errno.EACCES),
        (os.O_WRONLY, READ, errno.EACCES),
        (os.O_WRONLY, WRITE, errno.EACCES),
        (os.O_WRONLY, READ | WRITE, errno.EACCES),
    ],
)
def test_mapping_needs_what_the_files_mode_allows(system, mode, prot, code):
    with system.allocate(4096, fd_flags=mode) as buffer:
        assert error_of(buffer.mmap, prot=prot) == code


@pytest.mark.parametrize(
    "arguments",
    [
        {"flags": mmap.MAP_ANONYMOUS | mmap.MAP_SHARED},
        {"prot": 64},
        {"length": -1},
        {"offset": 1.5},
    ],
)
def test_what_mmap_cannot_be_given_is_a_value_error(system, arguments):
    with system.allocate(4096) as buffer, pytest.raises(ValueError, match="allowed"):
        buffer.mmap(**arguments)
