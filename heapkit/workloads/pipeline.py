# SPDX-License-Identifier: MIT
"""What one pipeline does with its buffers, and nothing of how they are shared."""

from __future__ import annotations

from typing import Any

import numpy as np

from heapkit.arguments import integer
from heapkit.event_table import EventTable
from heapkit.trace import Op, Trace
from heapkit.units import MS, US, KiB
from heapkit.workloads.parts import (
    FRAME_NS,
    NV12_1080P,
    RGBA_1080P,
    generator,
)

_ISP, _GPU, _DISPLAY = 0, 1, 2
_LINE = 64  # bytes of a cache line, where the CPU's part of a frame begins


def uses(
    *,
    seed: int = 1,
    heap: str = "system",
    frames: int = 300,
    cpu_every: int = 5,
    touched: int = 4 * KiB,
    isp: str = "isp",
    gpu: str = "gpu",
    display: str = "display",
) -> Trace:
    """A camera's picture on the screen: allocations, accesses and frees only.

    The ISP fills one of 4 frames in 1080p NV12 (AOSP ZslProcessor's depth), the GPU
    draws it into one of 3 framebuffers of 8,294,400 B (an etnaviv bufinfo,
    linux-media 2017-03), the display shows that. In one frame of ``cpu_every`` (0:
    in none) the CPU reads ``touched`` bytes of the frame and writes as many into
    the framebuffer, a few lines, somewhere: a clock, a face's outline.

    Nothing is attached, mapped or synchronised: when to do so is a policy, to be
    applied to this trace.

    Assumed: 30 frames/s, and all other times and counts.
    """
    rng = generator("uses", seed, heap)
    integer("uses", "frames", frames, low=1, high=10_000_000)
    integer("uses", "cpu_every", cpu_every, high=10_000_000)
    integer("uses", "touched", touched, low=1, high=NV12_1080P)
    events = EventTable()
    cameras, screens = events.buffers(4), events.buffers(3)
    rings = ((cameras, NV12_1080P), (screens, RGBA_1080P))
    for ring, size in rings:
        events.add(np.arange(len(ring)) * 200 * US, Op.ALLOC, ring, size=size)
    frame = np.arange(frames)
    time = 10 * MS + frame * FRAME_NS + rng.integers(0, 2 * MS, frames)
    camera, screen = (ring[frame % len(ring)] for ring, _ in rings)
    events.add(time, Op.DEVICE_WRITE, camera, device=_ISP)
    events.add(time + 6 * MS, Op.DEVICE_READ, camera, device=_GPU)
    events.add(time + 8 * MS, Op.DEVICE_WRITE, screen, device=_GPU)
    events.add(time + 14 * MS, Op.DEVICE_READ, screen, device=_DISPLAY)
    looks = frame[::cpu_every] if cpu_every else frame[:0]
    for op, after, ring, size in (
        (Op.CPU_READ, 4 * MS, camera, NV12_1080P),
        (Op.CPU_WRITE, 11 * MS, screen, RGBA_1080P),
    ):
        where = rng.integers(0, (size - touched) // _LINE + 1, len(looks)) * _LINE
        part: dict[str, Any] = {"size": touched, "offset": where}
        events.add(time[looks] + after, op, ring[looks], **part)
    end = int(time[-1]) + FRAME_NS
    for ring, _ in rings:
        events.add(end + np.arange(len(ring)) * 100 * US, Op.FREE, ring)
    meta: dict[str, Any] = {"workload": "uses", "seed": seed, "frames": frames}
    return events.trace(heap, (isp, gpu, display), **meta)
