# SPDX-License-Identifier: MIT
"""Boards that come with heapkit. A size without a source is assumed, and says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from heapkit.arguments import wrong
from heapkit.board import Board
from heapkit.board_parts import (
    CarveoutHeap,
    CmaHeap,
    Device,
    Memory,
    PagePool,
    SecureHeap,
    SystemHeap,
)
from heapkit.units import GiB, KiB, MiB

# Secure 4K HDR playback needs 4800 blocks of order 4 (J. Song/M. Kim, linux-kernel
# 2020-2021, the chunk heap and cma_alloc_bulk threads): 300 MiB.
SECURE_VIDEO = 4800 * 64 * KiB


def _phone_8g() -> Board:
    return Board(
        name="phone-8g",
        # Size assumed. Base: the areas of the Qualcomm phone in quic/crash-plugins,
        # USAGE.md, `cma -a`, lie from 0x82800000 on.
        memory=Memory(total=8 * GiB, base=0x8000_0000),
        heaps=(
            SystemHeap(),
            # Android common kernel: page_pool.c, no bound, no refill.
            SystemHeap(name="system-pooled", pool=PagePool()),
            # "linux,cma" of that same list, below 4 GiB as on arm64 in general.
            CmaHeap(name="default_cma_region", size=32 * MiB, base=0xF680_0000),
            # A ring of 16 RAW10 frames of 12 MP (Google's camera HAL:
            # kRawBufferCount) is 233 MiB; the next power of two is assumed.
            CarveoutHeap(name="camera", size=256 * MiB),
            SecureHeap(name="protected,secure-video", size=SECURE_VIDEO),
        ),
        # Which of them snoop is assumed: phones of today make the GPU I/O coherent.
        devices=(
            Device("isp"),
            Device("gpu", coherent=True),
            Device("display"),
            Device("codec"),
        ),
    )


def _raspberry_pi_4g() -> Board:
    return Board(
        name="raspberry-pi-4g",
        memory=Memory(total=4 * GiB),
        heaps=(
            SystemHeap(),
            # picamera2#972, a Pi 4B: "CmaTotal: 524288 kB". Legacy masters reach the
            # first GiB only; the exact base below that is assumed.
            CmaHeap(name="linux,cma", size=512 * MiB, base=0x2000_0000),
        ),
        # BCM2711 has no coherent interconnect for these (assumed).
        devices=(Device("isp"), Device("codec"), Device("display"), Device("gpu")),
    )


def _ip_camera_rv1106() -> Board:
    return Board(
        name="ip-camera-rv1106",
        # 128 MiB in the package of an RV1106G2 (assumed).
        memory=Memory(total=128 * MiB),
        heaps=(
            SystemHeap(),
            # Rockchip's Linux Memory Allocator guide lists 44 buffers, 22.2 MiB from
            # 0x02800000 on, none aligned beyond a page: hence alignment 0. The
            # area's own size is not in it; 24 MiB is assumed.
            CmaHeap(
                name="rk-dma-heap-cma",
                size=24 * MiB,
                base=0x0280_0000,
                alignment_order=0,
            ),
        ),
        # The device names of that list; not coherent is assumed.
        devices=(
            Device("ffa00000.rkisp"),
            Device("ffa50000.rkvenc"),
            Device("ff660000.npu"),
        ),
    )


def _set_top_4k() -> Board:
    return Board(
        name="set-top-4k",
        memory=Memory(total=4 * GiB),  # assumed
        heaps=(
            SystemHeap(),
            # AMD PG252, "CMA Size Requirements": 473 MB for one 4K 8-bit 4:2:0 AVC
            # stream, 10 to 15 % more for the display sink; 473 * 1.15 = 544.
            CmaHeap(name="default_cma_region", size=544 * MiB),
            SecureHeap(name="protected,secure-video", size=SECURE_VIDEO),
        ),
        # Not coherent: assumed.
        devices=(Device("codec"), Device("gpu"), Device("display")),
    )


PRESETS: dict[str, Callable[[], Board]] = {
    "phone-8g": _phone_8g,
    "raspberry-pi-4g": _raspberry_pi_4g,
    "ip-camera-rv1106": _ip_camera_rv1106,
    "set-top-4k": _set_top_4k,
}


@cache
def _built(name: str) -> Board:
    return PRESETS[name]()


def preset(name: str) -> Board:
    """The shipped board of that name; ``ValueError`` lists the names."""
    if not isinstance(name, str) or name not in PRESETS:
        raise wrong("Board.preset", "name", name, f"one of {tuple(PRESETS)}")
    return _built(name)
