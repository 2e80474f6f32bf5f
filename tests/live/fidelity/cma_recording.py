# SPDX-License-Identifier: MIT
"""The text that record_cma.py writes, read again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tests.live.fidelity.opened import opened
from tests.live.fidelity.sequences import Request

Bits = NDArray[np.bool_]


class Answer(NamedTuple):
    """What the kernel made of a request; ``bits`` are the area's pages after it."""

    request: Request
    error: int
    given: int
    used: int
    bits: Bits


@dataclass(frozen=True)
class CmaRecording:
    """One recording; its requests are read as they are gone through."""

    path: Path
    heap: str
    kernel: str
    seed: int
    requests: int
    base_pfn: int
    count: int
    order_per_bit: int
    first: Bits

    def __iter__(self) -> Iterator[Answer]:
        """Every answer in its order; the whole file must be there."""
        with opened(self.path) as lines:
            next(lines)
            bits = _bits(next(lines))
            for _ in range(self.requests):
                words, line = next(lines, "").split(), next(lines, "")
                if not line:
                    raise EOFError(f"{self.path}: the recording has no end")
                bits = bits if line.startswith("=") else _bits(line)
                yield _answer(words, bits)

    @property
    def busy(self) -> int:
        """Places the kernel passed over because a page there could not move."""
        with opened(self.path) as lines:
            for line in lines:
                if line.startswith("busy "):
                    return int(line.split()[1])
        raise EOFError(f"{self.path}: the recording has no end")


def read(path: Path) -> CmaRecording:
    """A recording, also a compressed one."""
    with opened(path) as lines:
        head = json.loads(next(lines))
        return CmaRecording(path, first=_bits(next(lines)), **head)


def _bits(line: str) -> Bits:
    """Of 32-bit words in decimal, the lowest page in the lowest bit."""
    words = np.fromstring(line, dtype="<u4", sep=" ")
    return np.unpackbits(words.view(np.uint8), bitorder="little").astype(bool)


def _answer(words: list[str], bits: Bits) -> Answer:
    kind, *rest = words
    numbers = list(map(int, rest))
    if kind == "free":
        buffer, used = numbers
        return Answer(Request(buffer), 0, 0, used, bits)
    buffer, size, error, given, used = numbers
    return Answer(Request(buffer, size), error, given, used, bits)
