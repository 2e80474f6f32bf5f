# SPDX-License-Identifier: MIT
"""AMD's decoder: what its buffers need of a CMA area, from formulae and counts.

PG252 has a formula for the size of each class of buffer ("Memory Footprint
Calculation"), how many of each a decoder holds in one format, AVC at 4:2:2 10-bit
("Memory Footprint Requirements"), and a table of totals for eight formats ("CMA
Size Requirements"). The first two are taken for what they are; nothing is fitted.
"""

from __future__ import annotations

from heapkit.board import Board, CmaHeap, Memory
from heapkit.published import DecoderBuffer, DecoderSize, decoder_buffers, decoder_sizes
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.trace import Op
from heapkit.units import GiB
from heapkit.validation.bench import PAGE, Request, trace_of
from heapkit.validation.fit import Fit
from heapkit.validation.result import Row

TARGET = "AMD decoder"
MB = 1_000_000
MISPRINT = (
    "the table has 144 MB where 8-bit has 101 and 4:2:2 10-bit 137; "
    "114 would be in line with the other columns, so a misprint is likely"
)


def rows() -> tuple[Row, ...]:
    """Every cell of AMD's table; 4K at 4:2:0 8-bit is the target."""
    return tuple(_row(size) for size in decoder_sizes())


def _row(size: DecoderSize) -> Row:
    target = (size.height, size.chroma, size.depth) == (2160, "420", 8)
    chroma = f"4:{size.chroma[1]}:{size.chroma[2]}"
    odd = (size.height, size.chroma, size.depth, size.codec) == (720, "420", 10, "avc")
    return Row(
        target=TARGET,
        what=f"{size.height}p {chroma} {size.depth}-bit {size.codec.upper()}",
        unit="MB",
        published=size.megabytes,
        model=peak(size) / MB,
        figures=(_key(size.height, size.chroma, size.depth, size.codec),),
        fits=(example(size.height),),
        within=0.15,
        detail=not target,
        note=MISPRINT if odd else "",
    )


def _key(height: int, chroma: str, depth: int, codec: str) -> str:
    return f"pg252.{height}.{chroma}.{depth}.{codec}"


def example(height: int) -> Fit:
    """The buffers of AMD's example add up to one column of its table: a fit."""
    buffers = decoder_buffers()
    total = sum(b.count[height] * b.megabytes[height] for b in buffers) * MB
    how = "taken from AMD's example of AVC 4:2:2 10-bit, as published"
    on = (_key(height, "422", 10, "avc"),)
    return Fit(f"buffers at {height}p", total, total, total, on, how)


def peak(size: DecoderSize) -> int:
    """Bytes of a CMA area that the buffers of one stream hold at once."""
    requests: list[Request] = []
    for kind in decoder_buffers():
        for _ in range(kind.count[size.height]):
            buffer = len(requests)
            requests.append((Op.ALLOC, buffer, buffer_bytes(kind, size), "cma"))
    run = replay(trace_of(requests), _board(), gauges=False)
    assert not run["status"].any()
    return _held(run)


def _held(run: Run) -> int:
    held: dict[str, int] = run.summary()["peak_used_bytes"]
    return held["cma"]


def _board() -> Board:
    heap = CmaHeap(name="cma", size=GiB, alignment_order=8)
    return Board(name="decoder", memory=Memory(total=2 * GiB), heaps=(heap,))


def buffer_bytes(kind: DecoderBuffer, size: DecoderSize) -> int:
    """One buffer of that class: AMD's example, scaled by AMD's formula."""
    formula = _FORMULAE[kind.name]
    whole = (size.width, size.height, size.chroma, size.depth, size.codec)
    shape = DecoderSize(*whole, megabytes=0)
    like = DecoderSize(size.width, size.height, "422", 10, "avc", megabytes=0)
    bytes_there = kind.megabytes[size.height] * MB
    return max(PAGE, round(bytes_there * formula(shape) / formula(like)))


def _samples(size: DecoderSize) -> float:
    """Height × width × bit depth × chroma format, in bytes, tightly packed."""
    chroma = {"420": 1.5, "422": 2.0}[size.chroma]
    return size.width * size.height * chroma * size.depth / 8


def _bitstream(size: DecoderSize) -> float:
    return _samples(size) / {"avc": 2, "hevc": 4}[size.codec]


def _vectors(size: DecoderSize) -> float:
    return size.width * size.height / 256 * {"avc": 32, "hevc": 16}[size.codec]


def _other(size: DecoderSize) -> float:
    return 25664 + size.width * size.height / {"avc": 256, "hevc": 1024}[size.codec]


def _same(_: DecoderSize) -> float:
    """The formula knows neither format nor codec, or there is none."""
    return 1.0


_FORMULAE = {
    "input bitstream": _bitstream,
    "circular bitstream": _bitstream,
    "reference frame": _samples,
    "reconstructed frame": _samples,
    "intermediate": _same,
    "motion vectors": _vectors,
    "slice parameters": _same,
    "other": _other,
}
