# SPDX-License-Identifier: MIT
"""Numbers of ioctls: made as the C macros make them, and taken apart again."""

from __future__ import annotations

import pytest

from heapkit import ioctls, uapi

BOTH = ioctls.READ | ioctls.WRITE


@pytest.mark.parametrize(
    ("made", "compiled"),
    [
        (ioctls.number(BOTH, "H", 0, 24), uapi.DMA_HEAP_IOCTL_ALLOC),
        (ioctls.number(ioctls.WRITE, "b", 0, 8), uapi.DMA_BUF_IOCTL_SYNC),
        (ioctls.number(ioctls.WRITE, "b", 1, 8), uapi.DMA_BUF_SET_NAME_B),
    ],
)
def test_numbers_are_made_as_the_compiler_makes_them(made, compiled):
    assert made == compiled


def test_numbers_that_headers_may_lack_are_the_kernels():
    # include/uapi/linux/dma-buf.h of Linux 6.12, evaluated; the last one is a vendor's.
    assert ioctls.DMA_BUF_SET_NAME_A == 0x40046201
    assert ioctls.DMA_BUF_IOCTL_EXPORT_SYNC_FILE == 0xC0086202
    assert ioctls.DMA_BUF_IOCTL_IMPORT_SYNC_FILE == 0x40086203
    assert ioctls.DMA_BUF_IOCTL_SYNC_PARTIAL == 0x40106202


@pytest.mark.parametrize("direction", [ioctls.NONE, ioctls.READ, ioctls.WRITE, BOTH])
@pytest.mark.parametrize(("nr", "size"), [(0, 0), (255, 16383), (7, 24)])
def test_number_is_taken_apart_into_what_it_was_made_of(direction, nr, size):
    command = ioctls.number(direction, "H", nr, size)
    parts = [f(command) for f in (ioctls.direction_of, ioctls.nr_of, ioctls.size_of)]
    assert parts == [direction, nr, size]
