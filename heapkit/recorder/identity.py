# SPDX-License-Identifier: MIT
"""The buffer ids of a recorded trace: they say what a buffer is known by.

A dma-buf's is its inode number. What an area or the page allocator handed out is
known by its first page frame; a request that the kernel refused was never a buffer,
its id holds the errno. The four kinds have ranges of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import Op

if TYPE_CHECKING:
    from heapkit.trace import Trace

_PAGES, _CMA, _REFUSED = 1 << 61, 1 << 62, 1 << 63
_ERRNO_SHIFT, _ERRNO_MASK = 48, 0xFFF  # a kernel's errno is below 4096


def of_inode(inode: int) -> int:
    """The id of a dma-buf."""
    return inode % _PAGES


def of_cma(pfn: int) -> int:
    """The id of pages of a CMA area from ``pfn`` on."""
    return _CMA | pfn


def of_pages(pfn: int) -> int:
    """The id of a block of the page allocator."""
    return _PAGES | pfn


def of_refusal(errno: int, number: int) -> int:
    """The id of the request of that ``number`` that was refused."""
    code = min(errno, _ERRNO_MASK) << _ERRNO_SHIFT
    return _REFUSED | code | number % (1 << _ERRNO_SHIFT)


def refusals(trace: Trace) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The ALLOC events of a recorded trace that the kernel refused, and the errnos.

    An errno is 0 where the kernel did not say it.
    """
    buffer = trace.buffer.astype(np.uint64, copy=False)
    events = np.flatnonzero((trace.op == Op.ALLOC) & (buffer >= np.uint64(_REFUSED)))
    codes = (buffer[events] >> np.uint64(_ERRNO_SHIFT)) & np.uint64(_ERRNO_MASK)
    return events, codes.astype(np.int64)


def pfns(trace: Trace) -> NDArray[np.int64]:
    """For each event the first page frame of its pages; -1 where it is not known."""
    buffer = trace.buffer.astype(np.uint64, copy=False)
    kind = buffer >> np.uint64(61)
    known = (kind == 1) | (kind == 2)  # _PAGES, _CMA
    frames = (buffer & np.uint64(_PAGES - 1)).astype(np.int64)
    return np.where(known, frames, -1)
