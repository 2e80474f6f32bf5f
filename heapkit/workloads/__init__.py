# SPDX-License-Identifier: MIT
"""Seeded workloads: the same arguments give the same trace, byte for byte.

Sizes and counts are published ones, cited where they stand; rates and lifetimes
without a source are *assumed*. Heaps and devices default to those of the preset
"phone-8g"; other boards are served by naming theirs. :func:`merge` puts several
traces onto one machine.
"""

from heapkit.workloads.background import background, loads
from heapkit.workloads.camera import camera_boot
from heapkit.workloads.merging import merge
from heapkit.workloads.mixtures import mixed_media, small_churn
from heapkit.workloads.parts import (
    FACE_RAW,
    METADATA,
    NV12_4K,
    NV12_720P,
    NV12_1080P,
    RAW10,
    RAW12,
    RGBA_1080P,
    STATISTICS,
    YUV420_STILL,
)
from heapkit.workloads.pipeline import uses
from heapkit.workloads.video import video_playback

__all__ = [
    "FACE_RAW",
    "METADATA",
    "NV12_4K",
    "NV12_720P",
    "NV12_1080P",
    "RAW10",
    "RAW12",
    "RGBA_1080P",
    "STATISTICS",
    "YUV420_STILL",
    "background",
    "camera_boot",
    "loads",
    "merge",
    "mixed_media",
    "small_churn",
    "uses",
    "video_playback",
]
