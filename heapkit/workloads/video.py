# SPDX-License-Identifier: MIT
"""A video player whose stream changes its resolution."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import Access
from heapkit.arguments import boolean, integer
from heapkit.event_table import EventTable
from heapkit.trace import Op, Trace
from heapkit.units import MS, US, KiB, MiB, S
from heapkit.workloads.parts import (
    FRAME_NS,
    NV12_4K,
    NV12_720P,
    NV12_1080P,
    RGBA_1080P,
    generator,
)

_CODEC, _DISPLAY = 0, 1
# As on Android: the codec's process allocates, the player fills the bitstream,
# surfaceflinger shows the frames.
_MEDIA, _APP, _FLINGER = 0, 1, 2
_PROCESSES = ("media codec", "app", "surfaceflinger")
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
    accesses: bool = False,
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

    With ``accesses`` the trace also says who reads and writes the memory: the CPU
    the compressed bytes, which the codec reads and makes a frame of, which the
    display reads. And who does it: "media codec" shares the bitstream with "app",
    which maps and fills it, and the frames with "surfaceflinger". The other events
    stay as they are.

    Assumed: 30 frames/s, 4 to 12 s between changes, 8 to 160 KiB a compressed frame.
    """
    rng = generator("video_playback", seed, heap)
    integer("video_playback", "seconds", seconds, low=1, high=1_000_000)
    events = EventTable(accesses=boolean("video_playback", "accesses", accesses))
    screens = events.buffers(3)
    events.take(np.arange(3) * MS, screens, RGBA_1080P, _DISPLAY, _FLINGER)
    streams = events.buffers(_BITSTREAM_BUFFERS)
    spread = np.arange(_BITSTREAM_BUFFERS) * MS
    events.take(5 * MS + spread, streams, _BITSTREAM_SIZE, _CODEC)
    for after, op in ((60 * US, Op.SHARE), (70 * US, Op.MMAP)):
        events.use(5 * MS + spread + after, op, streams, process=_APP)
    now, rung, left = 20 * MS, 0, seconds * 30
    while left > 0:
        frames = min(int(rng.integers(120, 360)), left)
        now = _segment(events, rng, now, frames, size=_RUNGS[rung], streams=streams)
        rung = (rung + int(rng.integers(1, 3))) % len(_RUNGS)
        left -= frames
    now += S
    for before, op in ((2 * MS, Op.MUNMAP), (MS, Op.FREE)):
        events.use(now + spread - before, op, streams, process=_APP)
    events.give(now + np.arange(3) * MS, screens, _DISPLAY, _FLINGER)
    events.give(now + spread, streams, _CODEC)
    meta: dict[str, Any] = {
        "workload": "video_playback",
        "seed": seed,
        "seconds": seconds,
    }
    return events.trace(heap, (codec, display), _PROCESSES, **meta)


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
    flinger: dict[str, Any] = {"device": _DISPLAY, "process": _FLINGER}
    taken = start + np.arange(_CAPTURE_BUFFERS) * 200 * US
    events.take(taken, capture, size, _CODEC)
    events.use(taken + 50 * US, Op.SHARE, capture, process=_FLINGER)
    events.add(taken + 60 * US, Op.ATTACH, capture, **flinger)
    frame = np.arange(frames)
    time = start + 10 * MS + frame * FRAME_NS
    _compressed(events, rng, time, streams[frame % len(streams)])
    shown = capture[frame % len(capture)]
    events.use(time + 8 * MS, Op.DEVICE_WRITE, shown, device=_CODEC)
    events.add(time + 12 * MS, Op.MAP, shown, **flinger)
    events.use(time + 13 * MS, Op.DEVICE_READ, shown, **flinger)
    events.add(time + 12 * MS + FRAME_NS, Op.UNMAP, shown, **flinger)
    end = int(time[-1]) + FRAME_NS
    given = end + 100 * MS + np.arange(_CAPTURE_BUFFERS) * 100 * US
    events.add(given, Op.DETACH, capture, **flinger)
    events.use(given + 2 * US, Op.FREE, capture, process=_FLINGER)
    events.give(given + 5 * US, capture, _CODEC)
    return end


def _compressed(
    events: EventTable,
    rng: np.random.Generator,
    time: NDArray[np.int64],
    written: NDArray[np.int64],
) -> None:
    """The player's part in each frame: some bytes of a bitstream buffer."""
    size = rng.integers(8 * KiB, 160 * KiB, len(time))
    offset = rng.integers(0, _BITSTREAM_SIZE - 160 * KiB, len(time))
    part: dict[str, Any] = {"size": size, "offset": offset, "process": _APP}
    events.add(time, Op.BEGIN_CPU, written, access=Access.WRITE, **part)
    events.use(time + 100 * US, Op.CPU_WRITE, written, **part)
    events.add(time + 200 * US, Op.END_CPU, written, access=Access.WRITE, **part)
    events.use(
        time + 300 * US,
        Op.DEVICE_READ,
        written,
        device=_CODEC,
        size=size,
        offset=offset,
    )
