# SPDX-License-Identifier: MIT
"""``/sys/kernel/debug/cma/AREA/bitmap``: which pages of a CMA area are taken.

The bitmap as u32 words in *decimal*, separated by spaces, the lowest page in
the lowest bit, one line (mm/cma_debug.c). What the bits stand for is in the
files beside it: ``base_pfn``, ``count`` and ``order_per_bit``; ``used`` and
``maxchunk`` say the same as the bitmap and are held against it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from heapkit.errors import FormatError
from heapkit.importers.cma_area import (
    CmaArea,
    Runs,
    largest_free_bits,
    used_bits,
)
from heapkit.importers.text import read_text
from heapkit.snapshot import Snapshot

name = "cma_bitmap"
title = "bitmap of a CMA area in debugfs, with the files beside it -> Snapshot"

_SIBLINGS = ("base_pfn", "count", "order_per_bit", "used", "maxchunk")
_WORD_BITS = 32
_WORD = re.compile(r"\d{1,10}", re.ASCII)
_NUMBER = re.compile(r"\d{1,19}\n?", re.ASCII)
# Two words at least: one number alone may be any file of debugfs.
_HEAD = re.compile(rb"\d{1,10} \d")


def recognise(head: bytes) -> bool:
    """Whether it is one line of at least two decimal numbers."""
    foreign = head.translate(None, b"0123456789 \r\n")
    lines = head.rstrip(b"\r\n").count(b"\n") + 1
    return _HEAD.match(head) is not None and not foreign and lines == 1


def read(
    path: Path,
    *,
    heap: str | None = None,
    base_pfn: int | None = None,
    count: int | None = None,
    order_per_bit: int | None = None,
) -> Snapshot:
    """The area whose bitmap is at ``path``.

    Each of ``base_pfn``, ``count`` (pages) and ``order_per_bit`` is the
    argument, else the file of that name in the same directory, else 0, the
    pages of all words, and 0. The heap's name is by default that of the
    directory. ``used`` and ``maxchunk`` (pages) are checked where they exist.
    """
    text = read_text(path)
    area = _area_directory(path)
    beside = _beside(path, area)
    given = {"base_pfn": base_pfn, "count": count, "order_per_bit": order_per_bit}
    known = beside | {key: value for key, value in given.items() if value is not None}
    return parse(text, path=path, heap=heap or area.name, **known)


def _area_directory(path: Path) -> Path:
    """The area's directory; since Linux 6.15 a bitmap may be in its ``ranges/N``."""
    directory = path.absolute().parent
    in_range = directory.parent.name == "ranges" and directory.name.isdecimal()
    return directory.parents[1] if in_range else directory


def _beside(path: Path, area: Path) -> dict[str, int | None]:
    """The numbers of the files around a bitmap, None for those that are missing."""
    if area == path.absolute().parent:
        return {key: _number(area / key) for key in _SIBLINGS}
    # Of a range: count, used and maxchunk of the area are of all its ranges.
    return {
        "base_pfn": _number(path.with_name("base_pfn")),
        "order_per_bit": _number(area / "order_per_bit"),
    }


def _number(path: Path) -> int | None:
    if not path.is_file():
        return None
    text = read_text(path)
    if not _NUMBER.fullmatch(text):
        raise FormatError("expected one number", path=path, line=1, text=text)
    return int(text)


def parse(
    text: str,
    *,
    path: object = None,
    heap: str = "cma",
    base_pfn: int | None = None,
    count: int | None = None,
    order_per_bit: int | None = None,
    used: int | None = None,
    maxchunk: int | None = None,
) -> Snapshot:
    """The area of a bitmap text; the numbers are pages, as in debugfs.

    Without ``count`` the line must end in a newline, for nothing else tells that
    it is whole; ``attributes["assumed"]`` lists the numbers that were not given.
    """
    words = _words(text, path, whole=count is not None)
    order = order_per_bit or 0
    area = CmaArea(
        heap=heap,
        base_pfn=base_pfn or 0,
        count=(len(words) * _WORD_BITS) << order if count is None else count,
        order_per_bit=order,
    )
    flaw = area.flaw() or _misfit(area, len(words))
    if flaw:
        raise FormatError(flaw, path=path, line=1, text=text)
    runs = _runs(words)
    flaw = _disagreement(area, runs, used, maxchunk)
    if flaw:
        raise FormatError(flaw, path=path, line=1, text=text)
    known = {"base_pfn": base_pfn, "count": count, "order_per_bit": order_per_bit}
    assumed = tuple(key for key, value in known.items() if value is None)
    snapshot = area.snapshot(runs, origin=name)
    return replace(snapshot, attributes=snapshot.attributes | {"assumed": assumed})


def _words(text: str, path: object, *, whole: bool) -> list[int]:
    line = text.removesuffix("\n").removesuffix("\r")
    if not whole and line == text:
        raise FormatError("cut off: the line has no end", path=path, line=1, text=text)
    words = line.split(" ")
    if words[-1] == "":
        words.pop()
    for index, word in enumerate(words):
        if not _WORD.fullmatch(word) or int(word) >> _WORD_BITS:
            message = f"word {index} is no u32 in decimal"
            raise FormatError(message, path=path, line=1, text=word)
    return [int(word) for word in words]


def _misfit(area: CmaArea, words: int) -> str:
    expected = -(-area.bits // _WORD_BITS)
    if words == expected:
        return ""
    return f"{words} words, but {area.count} pages take {expected}"


def _runs(words: list[int]) -> Runs:
    packed = np.array(words, dtype="<u4").view(np.uint8)
    bits = np.unpackbits(packed, bitorder="little").view(np.int8)
    edges = np.flatnonzero(np.diff(bits, prepend=0, append=0))
    starts, ends = edges[::2].tolist(), edges[1::2].tolist()
    return [(a, b - a) for a, b in zip(starts, ends, strict=True)]


def _disagreement(
    area: CmaArea, runs: Runs, used: int | None, maxchunk: int | None
) -> str:
    """What the bitmap contradicts: its own area, ``used`` or ``maxchunk``."""
    if runs and sum(runs[-1]) > area.bits:
        return f"bits are set beyond the {area.bits} of the area"
    taken, order = used_bits(runs), area.order_per_bit
    # Kernels since 6.15 count the pages asked for, not those of whole bits.
    if used is not None and not taken <= used <= taken << order:
        return f"used is {used} pages, the bitmap has {taken << order}"
    free = largest_free_bits(runs, area.bits) << order
    if maxchunk is not None and maxchunk != free:
        return f"maxchunk is {maxchunk} pages, the bitmap has {free}"
    return ""
