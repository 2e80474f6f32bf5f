# SPDX-License-Identifier: MIT
"""Sizes that several workloads have, and how they begin."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit.arguments import integer, wrong
from heapkit.units import KiB, S

FRAME_NS = S // 30  # assumed: 30 frames a second

# Sensor IMX477, 4056x3040. RAW12: stride 6112, 4537 pages, as in its users' dmesg
# ("req-size: 4537 pages"); YUV420: the same users' still buffer; RAW10 packed: by
# arithmetic.
RAW12 = 18_583_552
YUV420_STILL = 18_495_360
RAW10 = 4056 * 3040 * 10 // 8
# A face-unlock RAW area of 6592 pages (google/perfetto, parser/memory/tests.py).
FACE_RAW = 6592 * 4 * KiB
# NV12 is 12 bits a pixel: 4K 11.87 MiB, 1080p and 720p by arithmetic.
NV12_4K = 3840 * 2160 * 3 // 2
NV12_1080P = 1920 * 1080 * 3 // 2
NV12_720P = 1280 * 720 * 3 // 2
# The etnaviv bufinfo of R. King (linux-media 2017-03) lists it: 1920x1080x4.
RGBA_1080P = 8_294_400
# AOSP LyricMemProfilerHelperTest, dmabuf_dump: a camera provider's pairs.
STATISTICS, METADATA = 576 * KiB, 8 * KiB


def generator(workload: str, seed: int, heap: str) -> np.random.Generator:
    """The generator of ``seed``; ``heap`` is checked beside it."""
    integer(workload, "seed", seed, high=2**64 - 1)
    if not isinstance(heap, str) or not heap:
        raise wrong(
            workload, "heap", heap, 'a heap, or a chain such as "camera|system"'
        )
    return np.random.Generator(np.random.PCG64(seed))


def ns(values: ArrayLike) -> NDArray[np.int64]:
    """Whole nanoseconds."""
    return np.asarray(values, float).astype(np.int64)
