# SPDX-License-Identifier: MIT
"""A camera application, from its first buffers to its last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import Access
from heapkit.arguments import boolean, integer
from heapkit.event_table import EventTable
from heapkit.trace import Op, Trace
from heapkit.units import MS, US, S
from heapkit.workloads.parts import (
    FACE_RAW,
    FRAME_NS,
    METADATA,
    NV12_4K,
    NV12_1080P,
    RAW10,
    RAW12,
    STATISTICS,
    YUV420_STILL,
    generator,
    ns,
)

_ISP, _GPU = 0, 1
# As on Android: the HAL's process allocates, the application gets the stills,
# surfaceflinger the preview.
_PROVIDER, _APP, _FLINGER = 0, 1, 2
_PROCESSES = ("camera provider", "app", "surfaceflinger")


def camera_boot(
    *,
    seed: int = 1,
    heap: str = "camera|system-pooled",
    launches: int = 20,
    isp: str = "isp",
    gpu: str = "gpu",
    accesses: bool = False,
) -> Trace:
    """A camera app opened ``launches`` times, each a burst of very large buffers.

    A launch takes a ring of 16 RAW10 frames (Google's camera HAL:
    kRawBufferCount 16, together 235 MiB) or, in one of three, the HAL's minimum of
    12 RAW12 frames of 18,583,552 B; 4 preview frames (AOSP ZslProcessor's depth) in
    1080p NV12; 8 pairs of 576 KiB and 8 KiB (dmabuf_dump of a camera provider; the
    count is assumed). Stills (YUV420, 18,495,360 B) come while it streams. One
    launch in four goes on to record 4K: 6 NV12 buffers (picamera2's default,
    picamera2#972), taken before the old set is given back, as on any change of
    format (gstreamer-imx#153). One in two follows a face unlock, whose RAW area
    has 25.75 MiB (google/perfetto).

    The buffers are attached and mapped once, early. The CPU reads the statistics
    and writes the metadata of every frame, and reads every still.

    With ``accesses`` the trace also says who reads and writes the memory: the ISP
    fills a RAW frame, turns it into preview and statistics by the metadata, the
    GPU reads the preview, the CPU reads and writes within its brackets what it has
    mapped (MMAP). And who does it: "camera provider" shares the preview with
    "surfaceflinger" and the stills with "app". The other events stay as they are.

    Assumed: 30 frames/s, 1 to 4 s a session, 2 stills in it on average, and all
    other times. A carveout of 256 MiB holds the ring and the preview; stills, face
    unlock and recording are what may not fit.
    """
    rng = generator("camera_boot", seed, heap)
    integer("camera_boot", "launches", launches, low=1, high=1_000_000)
    events = EventTable(accesses=boolean("camera_boot", "accesses", accesses))
    now = S
    for _ in range(launches):
        if rng.random() < 1 / 2:
            _face_unlock(events, rng, now)
        now = _session(events, rng, now) + int(rng.integers(2 * S, 10 * S))
    meta = {"workload": "camera_boot", "seed": seed, "launches": launches}
    return events.trace(heap, (isp, gpu), _PROCESSES, **meta)


def _face_unlock(events: EventTable, rng: np.random.Generator, launch: int) -> None:
    """Half a second that ends before or, for the hasty, after the launch."""
    start = launch - int(rng.integers(300 * MS, 900 * MS))
    face = events.buffers(1)
    events.take(start, face, FACE_RAW, _ISP)
    events.use(start + 400 * MS, Op.DEVICE_WRITE, face, device=_ISP)
    events.use(start + 440 * MS, Op.MMAP, face)
    events.use(start + 460 * MS, Op.CPU_READ, face)
    events.use(start + 490 * MS, Op.MUNMAP, face)
    events.add(start + 450 * MS, Op.BEGIN_CPU, face, access=Access.READ)
    events.add(start + 480 * MS, Op.END_CPU, face, access=Access.READ)
    events.give(start + 500 * MS, face, _ISP)


def _session(events: EventTable, rng: np.random.Generator, start: int) -> int:
    """One session from its first allocation; returns when its last byte is free."""
    raw = np.full(16, RAW10) if rng.random() < 2 / 3 else np.full(12, RAW12)
    pairs = np.tile([STATISTICS, METADATA], 8)
    sizes = np.concatenate([raw, np.full(4, NV12_1080P), pairs])
    buffers = events.buffers(len(sizes))
    preview = buffers[len(raw) : len(raw) + 4]
    taken = start + np.cumsum(ns(rng.exponential(300 * US, len(sizes))))
    events.take(taken, buffers, sizes, _ISP)
    flinger = {"device": _GPU, "process": _FLINGER}
    events.use(taken[-1] + 500 * US, Op.SHARE, preview, process=_FLINGER)
    events.use(taken[-1] + 500 * US, Op.MMAP, buffers[len(raw) + 4 :])
    events.add(taken[-1] + MS, Op.ATTACH, preview, **flinger)
    events.add(taken[-1] + MS + 1, Op.MAP, preview, **flinger)

    stream = int(taken[-1]) + 5 * MS
    frames = int(rng.integers(30, 120))
    _frames(events, stream, frames, buffers[len(raw) + 4 :])
    _stream(events, stream, frames, (buffers[: len(raw)], preview))
    end = stream + frames * FRAME_NS
    _stills(events, rng, stream, end)

    last = end
    if rng.random() < 1 / 4:
        last = _record(events, rng, end)
    events.add(end + 40 * MS, Op.UNMAP, preview, **flinger)
    events.add(end + 40 * MS + 1, Op.DETACH, preview, **flinger)
    events.use(end + 41 * MS, Op.FREE, preview, process=_FLINGER)
    events.use(end + 41 * MS, Op.MUNMAP, buffers[len(raw) + 4 :])
    given = end + 50 * MS + np.cumsum(ns(rng.exponential(100 * US, len(sizes))))
    events.give(given, buffers, _ISP)
    return max(last, int(given[-1]))


def _frames(
    events: EventTable, start: int, frames: int, pairs: NDArray[np.int64]
) -> None:
    """The CPU's part in each frame: metadata written, statistics read."""
    frame = np.arange(frames)
    time = start + frame * FRAME_NS
    statistics, metadata = pairs[0::2], pairs[1::2]
    writes = metadata[frame % len(metadata)]
    events.add(time, Op.BEGIN_CPU, writes, access=Access.WRITE)
    events.use(time + 10 * US, Op.CPU_WRITE, writes)
    events.add(time + 20 * US, Op.END_CPU, writes, access=Access.WRITE)
    events.use(time + MS, Op.DEVICE_READ, writes, device=_ISP)
    reads = statistics[frame % len(statistics)]
    events.use(time + 11 * MS, Op.DEVICE_WRITE, reads, device=_ISP)
    events.add(time + 15 * MS, Op.BEGIN_CPU, reads, access=Access.READ)
    events.use(time + 16 * MS, Op.CPU_READ, reads)
    events.add(time + 17 * MS, Op.END_CPU, reads, access=Access.READ)


def _stream(
    events: EventTable,
    start: int,
    frames: int,
    rings: tuple[NDArray[np.int64], NDArray[np.int64]],
) -> None:
    """The devices' part in each frame: from the sensor to the screen."""
    frame = np.arange(frames)
    time = start + frame * FRAME_NS
    raw, preview = (ring[frame % len(ring)] for ring in rings)
    events.use(time + 2 * MS, Op.DEVICE_WRITE, raw, device=_ISP)
    events.use(time + 9 * MS, Op.DEVICE_READ, raw, device=_ISP)
    events.use(time + 10 * MS, Op.DEVICE_WRITE, preview, device=_ISP)
    events.use(time + 14 * MS, Op.DEVICE_READ, preview, device=_GPU, process=_FLINGER)


def _stills(events: EventTable, rng: np.random.Generator, start: int, end: int) -> None:
    """Full-size pictures: filled by the ISP, read once by the CPU."""
    count = int(rng.poisson(2))
    shots = rng.integers(start, end, count)
    held = rng.integers(300 * MS, 900 * MS, count)
    stills = events.buffers(count)
    events.take(shots, stills, YUV420_STILL, _ISP)
    reads = {"access": Access.READ, "process": _APP}
    events.use(shots + 60 * MS, Op.DEVICE_WRITE, stills, device=_ISP)
    events.use(shots + 70 * MS, Op.SHARE, stills, process=_APP)
    events.use(shots + 75 * MS, Op.MMAP, stills, process=_APP)
    events.add(shots + 80 * MS, Op.BEGIN_CPU, stills, **reads)
    events.use(shots + 100 * MS, Op.CPU_READ, stills, process=_APP)
    events.add(shots + 200 * MS, Op.END_CPU, stills, **reads)
    events.use(shots + 210 * MS, Op.MUNMAP, stills, process=_APP)
    events.use(shots + 220 * MS, Op.FREE, stills, process=_APP)
    events.give(shots + held, stills, _ISP)


def _record(events: EventTable, rng: np.random.Generator, start: int) -> int:
    """4K video for a while; the buffers are there before the old ones go."""
    buffers = events.buffers(6)
    end = start + int(rng.integers(S, 4 * S))
    events.take(start + np.arange(6) * MS, buffers, NV12_4K, _ISP)
    frame = np.arange((end - start - 10 * MS) // FRAME_NS)
    filled = start + 10 * MS + frame * FRAME_NS
    events.use(filled, Op.DEVICE_WRITE, buffers[frame % 6], device=_ISP)
    events.give(end + np.arange(6) * MS, buffers, _ISP)
    return end + 6 * MS
