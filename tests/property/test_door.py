# SPDX-License-Identifier: MIT
"""Whatever comes through the doors: an errno of the kernel's, and nothing is lost."""

from __future__ import annotations

import errno
import os
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heapkit as hk
from heapkit import MiB, ioctls, uapi

HEAPS = ("system", "cma", "camera", "secure")
BOARD = hk.Board(
    name="door",
    memory=hk.Memory(total=64 * MiB),
    heaps=(
        hk.SystemHeap(),
        hk.CmaHeap(name="cma", size=8 * MiB),
        hk.CarveoutHeap(name="camera", size=2 * MiB),
        hk.SecureHeap(name="secure", size=2 * MiB),
    ),
)
ALLOC_ERRORS = {0, errno.EINVAL, errno.EFAULT, errno.ENOMEM, errno.EMFILE}
BUFFER_ERRORS = {0, errno.EINVAL, errno.EFAULT, errno.ENOTTY, errno.EOPNOTSUPP}
KNOWN = (
    uapi.DMA_HEAP_IOCTL_ALLOC,
    uapi.DMA_BUF_IOCTL_SYNC,
    uapi.DMA_BUF_SET_NAME_B,
    ioctls.DMA_BUF_SET_NAME_A,
    ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
    ioctls.DMA_BUF_IOCTL_IMPORT_SYNC_FILE,
    ioctls.DMA_BUF_IOCTL_SYNC_PARTIAL,
)

u32 = st.integers(0, 2**32 - 1)
sizes = st.one_of(st.integers(0, 4 * MiB), st.integers(0, 2**64 - 1))
flags = st.sampled_from([0, os.O_RDWR, os.O_WRONLY, 3, os.O_CLOEXEC, os.O_NONBLOCK])
requests = st.builds(
    lambda size, fd, fd_flags, heap_flags, tail: bytearray(
        struct.pack("=QIIQ", size, fd, fd_flags, heap_flags) + tail
    ),
    sizes,
    st.sampled_from([0, 0, 0, 1]),
    flags,
    st.sampled_from([0, 0, 0, 1]),
    st.binary(max_size=300),
)
arguments = st.one_of(
    st.none(), st.binary(max_size=40).map(bytearray), requests, requests.map(bytes)
)
commands = st.one_of(
    u32,
    st.sampled_from(KNOWN),
    st.builds(
        lambda direction, size: ioctls.number(direction, "H", 0, size),
        st.integers(0, 3),
        st.sampled_from([0, 8, 16, 20, 24, 32, 48, 256]),
    ),
)


def answer(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return 0


@pytest.fixture(scope="module")
def heaps():
    with hk.simulate(BOARD) as heaps:
        yield heaps


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(HEAPS), command=commands, argument=arguments)
def test_heap_answers_with_an_errno_and_every_buffer_has_a_number(
    heaps, name, command, argument
):
    tail = bytes(argument[ioctls.size_of(command) :]) if argument else b""
    code = answer(heaps[name].ioctl, command, argument)
    assert code in ALLOC_ERRORS
    assert len(heaps.files) <= 1
    # A success is one file more; of the errors only a fault in the answer leaves one.
    if len(heaps.files):
        assert code in (0, errno.EFAULT)
    else:
        assert code
    if argument:
        assert bytes(argument[ioctls.size_of(command) :]) == tail
    for number in list(heaps.files):
        heaps.files.close(number)
    assert heaps.buffers == ()
    heaps.check()


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(HEAPS), command=commands, argument=arguments)
def test_buffer_answers_with_an_errno_and_keeps_its_size(
    heaps, name, command, argument
):
    with heaps[name].allocate(8192) as buffer:
        assert answer(buffer.ioctl, command, argument) in BUFFER_ERRORS
        assert buffer.size == 8192
    for number in list(heaps.files):
        heaps.files.close(number)
    assert heaps.buffers == ()


@settings(max_examples=400, deadline=None)
@given(
    name=st.sampled_from(HEAPS),
    mode=st.integers(0, 3),
    length=st.integers(0, 20_000),
    offset=st.one_of(st.integers(0, 20_000), st.integers(0, 5).map(lambda n: n * 4096)),
    kind=st.integers(0, 3),
    prot=st.integers(0, 7),
)
def test_mapping_is_the_length_asked_for_or_refused(
    heaps, name, mode, length, offset, kind, prot
):
    named = {"length": length, "offset": offset, "flags": kind, "prot": prot}
    with heaps[name].allocate(16384, fd_flags=mode) as buffer:
        code = answer(lambda: buffer.mmap(**named))
        assert code in (0, errno.EINVAL, errno.EACCES)
        if code == 0:
            view = buffer.mmap(**named)
            assert len(view) == length > 0
            assert view.readonly is not bool(prot & 2)
            assert offset % 4096 == 0
            assert offset + length <= 16384
            assert mode in (os.O_RDONLY, os.O_RDWR)
