# SPDX-License-Identifier: MIT
"""Latencies of a run of any length: how many fell into each bin.

The bins are those of ``struct hk_op_tally``: one for every value below 256 ns,
then 128 for every power of two, so that a value told from its bin is wrong by
less than 0.4 % (half a bin's width, at most 1/256 of the bin's lowest value).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import LATENCY_BINS, LATENCY_STEPS

MAX_ERROR = 1 / (2 * LATENCY_STEPS)


def lowest(bins: NDArray[np.int64]) -> NDArray[np.uint64]:
    """The least latency of each bin, in ns."""
    octave = np.maximum(bins // LATENCY_STEPS - 1, 0)
    within = (bins - octave * LATENCY_STEPS).astype(np.uint64)
    edges: NDArray[np.uint64] = within << octave.astype(np.uint64)
    return edges


def _middle(index: int) -> int:
    low = int(lowest(np.array([index]))[0])
    high = int(lowest(np.array([index + 1]))[0]) if index + 1 < LATENCY_BINS else 2**64
    return (low + high - 1) // 2


def percentiles(
    counts: NDArray[np.uint64], *, least_ns: int, most_ns: int
) -> dict[str, int | None]:
    """p50, p90, p99 and max (None if nothing was counted), in ns.

    As :func:`heapkit.metrics.percentiles`, whose values each is within
    :data:`MAX_ERROR` of; max is exact. ``least_ns`` and ``most_ns`` are the extremes
    of what was counted.
    """
    up_to = np.cumsum(counts)
    total = int(up_to[-1])
    if not total:
        return {"p50": None, "p90": None, "p99": None, "max": None}
    found: dict[str, int | None] = {}
    for name, share in (("p50", 50), ("p90", 90), ("p99", 99)):
        # The smallest value that so many are not above, as inverted_cdf has it.
        rank = -(-total * share // 100)
        middle = _middle(int(np.searchsorted(up_to, rank)))
        found[name] = min(max(middle, least_ns), most_ns)
    return found | {"max": most_ns}
