# SPDX-License-Identifier: MIT
"""Random requests to one heap: drawn from a seed, steered by what came of them.

The guest draws them and carries them out. The host draws them again from the
seed and the recorded outcomes, and has to find the same ones. Nothing but the
standard library is imported, because an emulated machine runs this.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from tests.live.fidelity import sizes

PAGE = 4096
LEAVES = ("first", "last", "any")
Draw = Callable[[random.Random, int], int]


class Request(NamedTuple):
    """``size`` bytes for buffer ``buffer``; without a size, its end."""

    buffer: int
    size: int | None = None


# What is sent back is whether the allocation succeeded, or anything after a free.
Requests = Generator[Request, bool, None]


class Habits(NamedTuple):
    """What is asked of a heap.

    ``pages`` is what the heap has, or what may be taken of it: then ``strict``, and
    no request goes beyond. ``levels`` are the shares of it that a phase aims at; one
    above 1 goes on until everything is refused. ``draws`` give the pages of a
    request, ``rare`` those of one in fifty, ``nonsense`` are sizes in bytes that no
    heap grants.
    """

    pages: int
    levels: Sequence[float]
    draws: Sequence[Draw]
    rare: Draw
    nonsense: Sequence[int]
    strict: bool = False


def cma(pages: int) -> Habits:
    """Every size up to the whole area and beyond, empty to full to the brim."""
    return Habits(
        pages=pages,
        levels=(0.0, 0.3, 0.6, 0.9, 1.2, 1.2),
        draws=(sizes.order, sizes.odd, sizes.beside_an_order, sizes.any_magnitude),
        rare=sizes.large,
        nonsense=(0, 2**64 - 1, 2**40, pages * PAGE + 1),
    )


# Sizes that wrap around to nothing are safe. Large ones would wake the OOM killer, so
# that a system heap is never asked for more than ``pages`` at once.
WRAPPING = (0, 2**64 - 1, 2**64 - 4095)


def system(pages: int) -> Habits:
    """Blocks of every order, where there is memory for them."""
    return Habits(
        pages=pages,
        levels=(0.0, 0.5, 0.9, 1.0),
        draws=(sizes.odd, sizes.beside_an_order, sizes.any_magnitude, sizes.blocks),
        rare=sizes.large,
        nonsense=WRAPPING,
        strict=True,
    )


def scarce(pages: int) -> Habits:
    """Most of ``pages`` held at all times, so that large blocks are used up."""
    return Habits(
        pages=pages,
        levels=(0.7, 0.9, 1.0),
        draws=(sizes.odd, sizes.any_magnitude, sizes.blocks),
        rare=sizes.large,
        nonsense=WRAPPING,
        strict=True,
    )


def requests(seed: int, habits: Habits) -> Requests:
    """Requests without end, in phases of one habit each."""
    rng = random.Random(seed)  # noqa: S311 -- nothing secret is drawn
    live: dict[int, int] = {}
    first = 0
    while True:
        phase = _phase(rng, habits, live, first)
        first = yield from phase


def _phase(
    rng: random.Random, habits: Habits, live: dict[int, int], buffer: int
) -> Generator[Request, bool, int]:
    """Some requests with one aim; returned is the number of the next buffer."""
    level, leaves = rng.choice(habits.levels), rng.choice(LEAVES)
    draw = rng.choice(habits.draws)
    for _ in range(rng.randrange(60, 300)):
        used = sum(live.values())
        rising = rng.random() < (0.85 if used < level * habits.pages else 0.15)
        size = _size(rng, habits, draw)
        pages = math.ceil(size / PAGE)
        fits = not habits.strict or size in habits.nonsense
        fits = fits or used + pages <= habits.pages
        if (rising and fits) or not live:
            if (yield Request(buffer, size)):
                live[buffer] = pages
            buffer += 1
        else:
            gone = _leaver(rng, live, leaves)
            del live[gone]
            yield Request(gone)
    return buffer


def _size(rng: random.Random, habits: Habits, draw: Draw) -> int:
    """Bytes: mostly whole pages, sometimes not all of the last, rarely nonsense."""
    chance = rng.random()
    if chance < 0.01:
        return rng.choice(habits.nonsense)
    if chance < 0.03:
        draw = habits.rare
    elif chance < 0.2:
        draw = rng.choice(habits.draws)
    lacking = rng.randrange(PAGE) if chance > 0.7 else 0
    size = draw(rng, habits.pages) * PAGE - lacking
    return min(size, habits.pages * PAGE) if habits.strict else size


def _leaver(rng: random.Random, live: dict[int, int], leaves: str) -> int:
    """Buffers are kept in the order in which they came."""
    if leaves == "first":
        return next(iter(live))
    if leaves == "last":
        return next(reversed(live))
    return rng.choice(tuple(live))
