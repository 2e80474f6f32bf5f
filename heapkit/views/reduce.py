# SPDX-License-Identifier: MIT
"""Level of detail: which of many rows a screen needs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Up to two rows a bucket and line: on a plot of about 1000 pixels every extreme is
# seen in its place, or one pixel off. Four times as many rows took a browser
# without a graphics card twice as long to paint.
BUCKETS = 300

Index = npt.NDArray[np.intp]


def extremes(*lines: npt.NDArray[np.generic], buckets: int = BUCKETS) -> Index:
    """Rows that keep every bucket's lowest and highest value of each line.

    Ascending and unique, with the first and the last row always among them, so
    that all columns of a table can be taken by the same index. At most
    ``2 * buckets * len(lines) + 2`` rows.
    """
    n = len(lines[0])
    if n <= 2 * buckets:
        return np.arange(n)
    width = -(-n // buckets)
    keep = np.zeros(n, dtype=np.bool_)
    keep[[0, -1]] = True
    for line in lines:
        padded = np.pad(np.asarray(line), (0, -n % width), mode="edge")
        blocks = padded.reshape(-1, width)
        start = np.arange(len(blocks)) * width
        for extreme in (blocks.argmin(axis=1), blocks.argmax(axis=1)):
            keep[np.minimum(start + extreme, n - 1)] = True
    return np.flatnonzero(keep)


def bins(n: int, count: int) -> Index:
    """The edges of at most ``count`` nearly equal ranges of ``n`` rows."""
    return np.unique(np.linspace(0, n, min(n, count) + 1).astype(np.intp))
