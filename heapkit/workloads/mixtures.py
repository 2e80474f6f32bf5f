# SPDX-License-Identifier: MIT
"""Buffers of many sizes that come and go."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit.arguments import integer
from heapkit.event_table import EventTable
from heapkit.trace import Op, Trace
from heapkit.units import KiB, MiB, S
from heapkit.workloads.parts import (
    METADATA,
    NV12_4K,
    NV12_720P,
    NV12_1080P,
    RAW12,
    RGBA_1080P,
    STATISTICS,
    YUV420_STILL,
    generator,
    ns,
)

# Size, share of the requests, mean lifetime in seconds. Shares and lifetimes are
# assumed: what is small lives long, and so pins the space between large buffers.
_MIXTURE = (
    (RAW12, 0.04, 0.5),
    (YUV420_STILL, 0.04, 0.7),
    (NV12_4K, 0.06, 2.0),
    (RGBA_1080P, 0.10, 2.0),
    (NV12_1080P, 0.16, 4.0),
    (NV12_720P, 0.10, 4.0),
    (STATISTICS, 0.25, 10.0),
    (METADATA, 0.25, 20.0),
)


def mixed_media(
    *,
    seed: int = 1,
    heap: str = "camera|system-pooled",
    events: int = 20_000,
    live: int = 208 * MiB,
) -> Trace:
    """Camera, video and screen buffers of all sizes in one heap: it fragments.

    Sizes as in :func:`camera_boot` and :func:`video_playback`: IMX477 RAW12
    18,583,552 B and its stills 18,495,360 B, 4K NV12 12,441,600 B, 1080p RGBA
    8,294,400 B, 1080p and 720p NV12, and pairs of 576 KiB and 8 KiB, of which the
    small live longest (assumed).

    ``events`` are half allocations, half frees, arriving at random; ``live`` is
    what they hold on average, in bytes: 208 MiB of a 256 MiB carveout (assumed).
    """
    rng = generator("mixed_media", seed, heap)
    count = integer("mixed_media", "events", events, low=2, multiple=2) // 2
    integer("mixed_media", "live", live, low=1)
    size, share, seconds = (np.array(c) for c in zip(*_MIXTURE, strict=True))
    kind = np.searchsorted(np.cumsum(share)[:-1], rng.random(count), side="right")
    lifetime = seconds[kind] * rng.exponential(1.0, count)
    # Little's law: what is live is the rate times size and lifetime of a request.
    per_second = live / float(np.sum(share * size * seconds))
    arrival = np.cumsum(rng.exponential(1 / per_second, count))
    return _alloc_free(
        (arrival, lifetime, size[kind]), heap, workload="mixed_media", seed=seed
    )


def small_churn(
    *, seed: int = 1, heap: str = "system-pooled", events: int = 20_000
) -> Trace:
    """Small buffers that come and go, 60 a second.

    60 allocations and frees a second are what an RK3588's heap broke under
    (ubuntu-rockchip#1133). Sizes from 4 KiB to 2 MiB, as an ML accelerator's buffer
    objects have (SiMa MLA's bufinfo), evenly spread over the orders 0 to 9, within
    an order over its pages (assumed). Lifetimes are exponential, 1 s on average
    (assumed). ``events`` are half allocations, half frees.
    """
    rng = generator("small_churn", seed, heap)
    count = integer("small_churn", "events", events, low=2, multiple=2) // 2
    arrival = np.cumsum(rng.exponential(1 / 60, count))
    lifetime = rng.exponential(1.0, count)
    top = 1 << rng.integers(0, 10, count)
    pages = rng.integers(top // 2 + 1, top + 1)
    return _alloc_free(
        (arrival, lifetime, pages * 4 * KiB), heap, workload="small_churn", seed=seed
    )


def _alloc_free(
    requests: tuple[NDArray[Any], NDArray[Any], NDArray[Any]],
    heap: str,
    **meta: Any,
) -> Trace:
    """Requests as arrival and lifetime (seconds) and size (bytes), each freed."""
    arrival, lifetime, size = requests
    events = EventTable()
    buffers = events.buffers(len(size))
    start = ns(arrival * S)
    events.add(start, Op.ALLOC, buffers, size=size)
    events.add(start + 1 + ns(lifetime * S), Op.FREE, buffers)
    return events.trace(heap, (), **meta)
