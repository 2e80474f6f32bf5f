# SPDX-License-Identifier: MIT
"""Seeded workloads: the same arguments give the same trace, byte for byte.

Sizes and counts are published ones, cited where they stand; rates and lifetimes
without a source are *assumed*. Heaps and devices default to those of the preset
"phone-8g"; other boards are served by naming theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit._ffi import Access
from heapkit.arguments import integer, wrong
from heapkit.event_table import EventTable
from heapkit.trace import Op, Trace
from heapkit.units import MS, US, KiB, MiB, S

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


def _generator(workload: str, seed: int, heap: str) -> np.random.Generator:
    integer(workload, "seed", seed, high=2**64 - 1)
    if not isinstance(heap, str) or not heap:
        raise wrong(
            workload, "heap", heap, 'a heap, or a chain such as "camera|system"'
        )
    return np.random.Generator(np.random.PCG64(seed))


def _ns(values: ArrayLike) -> NDArray[np.int64]:
    return np.asarray(values, float).astype(np.int64)


# --- Camera ------------------------------------------------------------------

_FRAME_NS = S // 30  # assumed: 30 frames a second
_ISP, _GPU = 0, 1


def camera_boot(
    *,
    seed: int = 1,
    heap: str = "camera|system-pooled",
    launches: int = 20,
    isp: str = "isp",
    gpu: str = "gpu",
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

    Assumed: 30 frames/s, 1 to 4 s a session, 2 stills in it on average, and all
    other times. A carveout of 256 MiB holds the ring and the preview; stills, face
    unlock and recording are what may not fit.
    """
    rng = _generator("camera_boot", seed, heap)
    integer("camera_boot", "launches", launches, low=1, high=1_000_000)
    events = EventTable()
    now = S
    for _ in range(launches):
        if rng.random() < 1 / 2:
            _face_unlock(events, rng, now)
        now = _session(events, rng, now) + int(rng.integers(2 * S, 10 * S))
    devices = (isp, gpu)
    return events.trace(
        heap, devices, workload="camera_boot", seed=seed, launches=launches
    )


def _face_unlock(events: EventTable, rng: np.random.Generator, launch: int) -> None:
    """Half a second that ends before or, for the hasty, after the launch."""
    start = launch - int(rng.integers(300 * MS, 900 * MS))
    face = events.buffers(1)
    events.take(start, face, FACE_RAW, _ISP)
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
    taken = start + np.cumsum(_ns(rng.exponential(300 * US, len(sizes))))
    events.take(taken, buffers, sizes, _ISP)
    events.add(taken[-1] + MS, Op.ATTACH, preview, device=_GPU)
    events.add(taken[-1] + MS + 1, Op.MAP, preview, device=_GPU)

    stream = int(taken[-1]) + 5 * MS
    frames = int(rng.integers(30, 120))
    _frames(events, stream, frames, buffers[len(raw) + 4 :])
    end = stream + frames * _FRAME_NS
    _stills(events, rng, stream, end)

    last = end
    if rng.random() < 1 / 4:
        last = _record(events, rng, end)
    events.add(end + 40 * MS, Op.UNMAP, preview, device=_GPU)
    events.add(end + 40 * MS + 1, Op.DETACH, preview, device=_GPU)
    given = end + 50 * MS + np.cumsum(_ns(rng.exponential(100 * US, len(sizes))))
    events.give(given, buffers, _ISP)
    return max(last, int(given[-1]))


def _frames(
    events: EventTable, start: int, frames: int, pairs: NDArray[np.int64]
) -> None:
    """The CPU's part in each frame: metadata written, statistics read."""
    frame = np.arange(frames)
    time = start + frame * _FRAME_NS
    statistics, metadata = pairs[0::2], pairs[1::2]
    writes = metadata[frame % len(metadata)]
    events.add(time, Op.BEGIN_CPU, writes, access=Access.WRITE)
    events.add(time + 20 * US, Op.END_CPU, writes, access=Access.WRITE)
    reads = statistics[frame % len(statistics)]
    events.add(time + 15 * MS, Op.BEGIN_CPU, reads, access=Access.READ)
    events.add(time + 17 * MS, Op.END_CPU, reads, access=Access.READ)


def _stills(events: EventTable, rng: np.random.Generator, start: int, end: int) -> None:
    """Full-size pictures: filled by the ISP, read once by the CPU."""
    count = int(rng.poisson(2))
    shots = rng.integers(start, end, count)
    held = rng.integers(300 * MS, 900 * MS, count)
    stills = events.buffers(count)
    events.take(shots, stills, YUV420_STILL, _ISP)
    events.add(shots + 80 * MS, Op.BEGIN_CPU, stills, access=Access.READ)
    events.add(shots + 200 * MS, Op.END_CPU, stills, access=Access.READ)
    events.give(shots + held, stills, _ISP)


def _record(events: EventTable, rng: np.random.Generator, start: int) -> int:
    """4K video for a while; the buffers are there before the old ones go."""
    buffers = events.buffers(6)
    end = start + int(rng.integers(S, 4 * S))
    events.take(start + np.arange(6) * MS, buffers, NV12_4K, _ISP)
    events.give(end + np.arange(6) * MS, buffers, _ISP)
    return end + 6 * MS


# --- Video -------------------------------------------------------------------

_CODEC, _DISPLAY = 0, 1
_RUNGS = (NV12_720P, NV12_1080P, NV12_4K)
# An Amlogic decoder asked for 11 capture buffers and allocated 20.
_CAPTURE_BUFFERS = 20
_BITSTREAM_BUFFERS, _BITSTREAM_SIZE = 4, MiB  # assumed


def video_playback(
    *,
    seed: int = 1,
    heap: str = "system-pooled",
    seconds: int = 120,
    codec: str = "codec",
    display: str = "display",
) -> Trace:
    """One adaptive stream that changes its resolution every few seconds.

    Each resolution has 20 NV12 capture buffers (an Amlogic decoder: 11 requested,
    20 allocated): 720p 1,382,400 B, 1080p 3,110,400 B, 4K 12,441,600 B. A change
    allocates the new set before it frees the old (gstreamer-imx#153). Three 1080p
    RGBA framebuffers of 8,294,400 B (an etnaviv bufinfo, linux-media 2017-03) and
    4 bitstream buffers of 1 MiB (assumed) stay.

    For every frame the CPU writes the compressed bytes, with partial maintenance;
    the display maps the frame late and unmaps it a frame later, as Android does,
    while the codec's mapping stays.

    Assumed: 30 frames/s, 4 to 12 s between changes, 8 to 160 KiB a compressed frame.
    """
    rng = _generator("video_playback", seed, heap)
    integer("video_playback", "seconds", seconds, low=1, high=1_000_000)
    events = EventTable()
    screens = events.buffers(3)
    events.take(np.arange(3) * MS, screens, RGBA_1080P, _DISPLAY)
    streams = events.buffers(_BITSTREAM_BUFFERS)
    spread = np.arange(_BITSTREAM_BUFFERS) * MS
    events.take(5 * MS + spread, streams, _BITSTREAM_SIZE, _CODEC)
    now, rung, left = 20 * MS, 0, seconds * 30
    while left > 0:
        frames = min(int(rng.integers(120, 360)), left)
        now = _segment(events, rng, now, frames, size=_RUNGS[rung], streams=streams)
        rung = (rung + int(rng.integers(1, 3))) % len(_RUNGS)
        left -= frames
    now += S
    events.give(now + np.arange(3) * MS, screens, _DISPLAY)
    events.give(now + spread, streams, _CODEC)
    return events.trace(
        heap, (codec, display), workload="video_playback", seed=seed, seconds=seconds
    )


def _segment(
    events: EventTable,
    rng: np.random.Generator,
    start: int,
    frames: int,
    *,
    size: int,
    streams: NDArray[np.int64],
) -> int:
    """``frames`` of one resolution; returns when the next one's buffers are due."""
    capture = events.buffers(_CAPTURE_BUFFERS)
    taken = start + np.arange(_CAPTURE_BUFFERS) * 200 * US
    events.take(taken, capture, size, _CODEC)
    events.add(taken + 60 * US, Op.ATTACH, capture, device=_DISPLAY)
    frame = np.arange(frames)
    time = start + 10 * MS + frame * _FRAME_NS
    compressed = rng.integers(8 * KiB, 160 * KiB, frames)
    offset = rng.integers(0, _BITSTREAM_SIZE - 160 * KiB, frames)
    written = streams[frame % len(streams)]
    for after, op in ((0, Op.BEGIN_CPU), (200 * US, Op.END_CPU)):
        events.add(
            time + after,
            op,
            written,
            size=compressed,
            offset=offset,
            access=Access.WRITE,
        )
    shown = capture[frame % len(capture)]
    events.add(time + 12 * MS, Op.MAP, shown, device=_DISPLAY)
    events.add(time + 12 * MS + _FRAME_NS, Op.UNMAP, shown, device=_DISPLAY)
    end = int(time[-1]) + _FRAME_NS
    given = end + 100 * MS + np.arange(_CAPTURE_BUFFERS) * 100 * US
    events.add(given, Op.DETACH, capture, device=_DISPLAY)
    events.give(given + 5 * US, capture, _CODEC)
    return end


# --- Mixtures ----------------------------------------------------------------

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
    rng = _generator("mixed_media", seed, heap)
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
    rng = _generator("small_churn", seed, heap)
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
    **meta: object,
) -> Trace:
    """Requests as arrival and lifetime (seconds) and size (bytes), each freed."""
    arrival, lifetime, size = requests
    events = EventTable()
    buffers = events.buffers(len(size))
    start = _ns(arrival * S)
    events.add(start, Op.ALLOC, buffers, size=size)
    events.add(start + 1 + _ns(lifetime * S), Op.FREE, buffers)
    return events.trace(heap, (), **meta)
