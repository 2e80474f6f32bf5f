# SPDX-License-Identifier: MIT
"""Every page of a heap as one pixel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from heapkit._ffi import PAGE_SIZE
from heapkit.units import format_bytes
from heapkit.views.png import write_png
from heapkit.views.strip import (
    HOLE,
    LARGEST_HOLE,
    LARGEST_HOLE_SAID,
    PALETTE,
    longest_hole,
)

CELLS = 512 * 1024  # 2 GiB of pages; what a browser still shows at 40 frames/s
OUTSIDE = len(PALETTE)
_COLOURS = (*PALETTE, "#FFFFFF")


@dataclass(frozen=True)
class PageMap:
    """Palette indices (rows, columns), and the bytes that one cell stands for."""

    cells: npt.NDArray[np.uint8]
    bytes_per_cell: int

    def to_png(self) -> bytes:
        """The picture, one pixel a cell."""
        return write_png(self.cells, _COLOURS)

    @property
    def caption(self) -> str:
        """What a pixel is."""
        rows, columns = self.cells.shape
        row = format_bytes(columns * self.bytes_per_cell)
        cell = format_bytes(self.bytes_per_cell)
        return f"one pixel is {cell}, one of {rows} rows {row}; {LARGEST_HOLE_SAID}"


def page_map(
    address: npt.NDArray[Any],
    size: npt.NDArray[Any],
    code: npt.NDArray[np.uint8],
    *,
    base: int,
    length: int,
    limit: int = CELLS,
) -> PageMap:
    """Paint regions over free pages; rows run from low to high addresses.

    A heap of more than ``limit`` pages gets cells of several pages; a cell that
    is used in part counts as used, so that the smallest buffer is seen.
    """
    pages = max(1, -(-length // PAGE_SIZE))
    cell = PAGE_SIZE * -(-pages // limit)
    n = -(-length // cell)
    # Four times as wide as high, as the picture is shown; whole rows of 2^k cells.
    columns = 1 << max(5, round(math.log2(2 * math.sqrt(n))))
    flat = np.full(-(-n // columns) * columns, OUTSIDE, np.uint8)
    flat[:n] = HOLE
    start, stop = longest_hole(address, size, base=base, length=length)
    flat[start // cell : -(-stop // cell)] = LARGEST_HOLE
    first = (np.asarray(address).astype(np.int64) - base) // cell
    end = np.asarray(address).astype(np.int64) - base + np.asarray(size, np.int64)
    count = -(-end // cell) - first
    flat[_spread(first, count)] = np.repeat(code, count)
    return PageMap(flat.reshape(-1, columns), cell)


def _spread(
    first: npt.NDArray[np.int64], count: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """``first[i] … first[i] + count[i] - 1`` for every i, in one array."""
    total = int(count.sum())
    offset = np.repeat(first - (np.cumsum(count) - count), count)
    return offset + np.arange(total)
