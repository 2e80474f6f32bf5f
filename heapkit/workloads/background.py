# SPDX-License-Identifier: MIT
"""The rest of the system: pages that come and go as programs and files do."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import PAGE_SIZE
from heapkit.arguments import integer, size, wrong
from heapkit.board import PageLoad
from heapkit.trace import Op, Trace
from heapkit.units import MS, MiB, S
from heapkit.workloads.parts import generator

_TICK_NS = 100 * MS  # how often the load follows its occupancy, assumed
_TURNOVER = 0.02  # of what is held, given back and asked for again a second, assumed
_SHARE_SWING = 0.3  # of a share, how far it goes up and down, assumed
_PERIODS_S = (7.0, 23.0, 61.0)  # of the waves, times 1 to 2, assumed


def background(
    *,
    seed: int = 1,
    memory: int,
    seconds: int = 60,
    occupancy: float = 0.6,
    swing: float = 0.1,
    cache_share: float = 0.35,
    dirty_share: float = 0.1,
    pinned_share: float = 0.01,
    shared_share: float = 0.0,
    anon: str = "anon",
    cache: str = "cache",
    dirty: str = "dirty",
    pinned: str = "pinned",
    shared: str = "shared",
    piece: int = MiB,
) -> Trace:
    """Allocations and frees of the board's :class:`heapkit.PageLoad` heaps.

    Together they hold ``occupancy`` of ``memory`` bytes, which rises and falls
    slowly by up to ``swing``. The heaps ``cache``, ``dirty``, ``pinned`` and
    ``shared`` have their shares of it, which drift too, and ``anon`` has the rest; a
    heap without a share need not be on the board. What a page of each is like (by
    how many it is mapped, whether it is clean) is the board's: :func:`loads`.

    A buffer is ``piece`` bytes; which one goes next is at random. What is held at
    the end stays: :func:`merge` puts other workloads beside it.

    Assumed: all shares and times.
    """
    heaps = _shares(
        anon,
        cache_share=(cache, cache_share),
        dirty_share=(dirty, dirty_share),
        pinned_share=(pinned, pinned_share),
        shared_share=(shared, shared_share),
    )
    rng = _checked(seed, tuple(heaps), memory, seconds, piece)
    ticks = np.arange(seconds * S // _TICK_NS) * (_TICK_NS / S)
    held = _share("occupancy", occupancy) + _share("swing", swing) * _wave(rng, ticks)
    held = np.clip(held, 0, 1) * (memory // piece)
    targets = _targets(rng, ticks, held, list(heaps.values()))
    return _follow(
        rng,
        targets,
        tuple(heaps),
        piece,
        {"workload": "background", "seed": seed, "memory": memory},
    )


def loads(*, mapcount: int = 1, shared_mapcount: int = 10) -> tuple[PageLoad, ...]:
    """Heaps for a board that :func:`background` is put on, by its default names.

    ``cache`` is clean, ``dirty`` waits for writeback, ``pinned`` cannot be moved;
    ``shared`` is mapped by ``shared_mapcount`` programs, the others by ``mapcount``
    (both assumed).
    """
    return (
        PageLoad(name="anon", mapcount=mapcount),
        PageLoad(name="cache", clean=True, mapcount=mapcount),
        PageLoad(name="dirty", dirty=True, mapcount=mapcount),
        PageLoad(name="pinned", pinned=True, mapcount=mapcount),
        PageLoad(name="shared", mapcount=shared_mapcount),
    )


def _shares(anon: str, **others: tuple[str, float]) -> dict[str, float]:
    """The share of each heap, of those that have one: ``anon`` has the rest."""
    heaps, used = {anon: 1.0}, 1
    for name, (heap, share) in others.items():
        if _share(name, share):
            heaps[heap] = share
            heaps[anon] -= share
            used += 1
    if len(heaps) < used:
        raise wrong("background", "heaps", tuple(heaps), "another name for each load")
    if heaps[anon] < 0:
        total = 1 - heaps[anon]
        raise wrong("background", "shares", total, "at most 1 together")
    return heaps


def _share(name: str, value: float) -> float:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:  # NaN is neither
        raise wrong("background", name, value, "a number, 0 to 1")
    return float(value)


def _checked(
    seed: int, heaps: tuple[str, ...], memory: int, seconds: int, piece: int
) -> np.random.Generator:
    integer("background", "seconds", seconds, low=1, high=1_000_000)
    size("background", "piece", piece)
    integer("background", "memory", memory, low=piece, multiple=PAGE_SIZE)
    for heap in heaps:
        rng = generator("background", seed, heap)
    return rng


def _wave(
    rng: np.random.Generator, seconds: NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Something slow between -1 and 1."""
    period = np.array(_PERIODS_S) * rng.uniform(1, 2, len(_PERIODS_S))
    phase = rng.uniform(0, 2 * math.pi, len(_PERIODS_S))
    turns = 2 * math.pi * seconds[:, None] / period + phase
    wave: NDArray[np.float64] = np.sin(turns).mean(axis=1)
    return wave


def _targets(
    rng: np.random.Generator,
    ticks: NDArray[np.floating[Any]],
    held: NDArray[np.floating[Any]],
    shares: list[float],
) -> NDArray[np.int64]:
    """Buffers of each heap after each tick: (ticks, heaps), the rest's first."""
    others = np.array(
        [share * (1 + _SHARE_SWING * _wave(rng, ticks)) for share in shares[1:]]
    ).reshape(len(shares) - 1, len(ticks))
    others = others / np.maximum(others.sum(axis=0), 1)
    rest = 1 - others.sum(axis=0, keepdims=True)
    each: NDArray[np.float64] = np.vstack([rest, others]) * held
    return each.T.astype(np.int64)


class _Held:
    """What is held of each heap, and the rows that led there: op, buffer, heap."""

    def __init__(self, rng: np.random.Generator, heaps: int) -> None:
        self._rng = rng
        self._held: list[list[int]] = [[] for _ in range(heaps)]
        self._buffers = 0
        self.rows: list[tuple[int, int, int]] = []

    def give_back(self, heap: int, wanted: int) -> None:
        """Free what is too much, and some of the rest, at random."""
        mine = self._held[heap]
        lost = self._rng.poisson(_TURNOVER * _TICK_NS / S * len(mine))
        lost = min(len(mine), max(lost, len(mine) - wanted))
        for place in self._rng.integers(0, len(mine) - np.arange(lost)).tolist():
            mine[place], mine[-1] = mine[-1], mine[place]
            self.rows.append((Op.FREE, mine.pop(), heap))

    def take(self, heap: int, wanted: int) -> None:
        """Allocate what is missing."""
        mine = self._held[heap]
        fresh = range(self._buffers, self._buffers + wanted - len(mine))
        self.rows += [(Op.ALLOC, buffer, heap) for buffer in fresh]
        mine += fresh
        self._buffers += len(fresh)


def _follow(
    rng: np.random.Generator,
    targets: NDArray[np.int64],
    heaps: tuple[str, ...],
    piece: int,
    meta: dict[str, object],
) -> Trace:
    """Free and allocate in each tick until every heap holds its target."""
    held = _Held(rng, len(heaps))
    times: list[NDArray[np.int64]] = []
    for tick, wanted in enumerate(targets.tolist()):
        before = len(held.rows)
        for heap, count in enumerate(wanted):
            held.give_back(heap, count)
        for heap, count in enumerate(wanted):
            held.take(heap, count)
        more = len(held.rows) - before
        times.append(tick * _TICK_NS + np.arange(more) * _TICK_NS // max(more, 1))
    op, ids, code = np.array(held.rows, np.int64).reshape(-1, 3).T
    return Trace.from_columns(
        op=op,
        buffer=ids,
        size=np.where(op == Op.ALLOC, piece, 0),
        heap=code,
        heaps=heaps,
        time_ns=np.concatenate(times),
        meta={**meta, "heaps": list(heaps)},
    )
