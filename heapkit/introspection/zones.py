# SPDX-License-Identifier: MIT
"""A line of buddyinfo and its kin: ``Node 0, zone   Normal`` and a value per order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from heapkit.errors import FormatError

V = TypeVar("V", int, float)

_LINE = re.compile(r"Node\s+(?P<node>\d{1,5}), zone\s+(?P<zone>\S+)(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class Zone(Generic[V]):
    """One zone of memory: ``values[o]`` is of blocks of ``2**o`` pages."""

    node: int
    zone: str
    values: tuple[V, ...]


def parse_zones(
    text: str, pattern: re.Pattern[str], number: Callable[[str], V], *, path: object
) -> tuple[Zone[V], ...]:
    """A line for each zone, each value of which is ``pattern``; as many on each."""
    zones: list[Zone[V]] = []
    for count, line in _lines(text):
        match = _LINE.fullmatch(line)
        words = match["rest"].split() if match else []
        whole = words and all(map(pattern.fullmatch, words))
        if match is None or not whole:
            message = "expected Node N, zone NAME and a number per order"
            raise FormatError(message, path=path, line=count, text=line)
        if zones and len(words) != len(zones[0].values):
            message = f"{len(words)} orders, unlike the {len(zones[0].values)} before"
            raise FormatError(message, path=path, line=count, text=line)
        values = tuple(map(number, words))
        zones.append(Zone(int(match["node"]), match["zone"], values))
    if not zones:
        raise FormatError("the file is empty", path=path, line=1)
    return tuple(zones)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, line
