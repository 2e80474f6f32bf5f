# SPDX-License-Identifier: MIT
"""``hk.calibrate()``: what this machine's steps cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from heapkit import arguments
from heapkit.arguments import wrong
from heapkit.backends import live
from heapkit.calibration.machine import available_bytes, this_machine
from heapkit.calibration.measuring import Matrix, area_bytes, batches, measure
from heapkit.calibration.result import Calibration
from heapkit.calibration.samples import Place, kind_of
from heapkit.costs import Costs
from heapkit.errors import BackendUnavailable
from heapkit.units import GiB, KiB, MiB

SIZES = (4 * KiB, 64 * KiB, 1 * MiB, 8 * MiB, 32 * MiB)
ROUNDS = 24
MAX_BYTES = 256 * MiB  # and a quarter of what is available
HOST = (Place("memfd", "memfd"), Place("anonymous memory", "anonymous"))
AREA = Place("area", "area")


def calibrate(
    heaps: Mapping[str, Any] | None = None,
    *,
    heap: str | None = None,
    sizes: Sequence[int] = SIZES,
    rounds: int = ROUNDS,
    base: Costs | None = None,
    max_bytes: int | None = None,
    progress: bool = True,
) -> Calibration:
    """Measure what allocating, touching, mapping and synchronising costs here.

    ``heaps`` are live ones, as :func:`heapkit.live` gives them; None: those of this
    machine, if there are any; ``{}``: none; ``{"udmabuf": hk.udmabuf()}``: that one.
    ``heap`` picks one of them. What needs no heap, zeroing and cache lines, is
    measured in this process's memory besides.

    ``sizes`` are bytes in whole pages, each measured at least ``rounds`` times fresh
    and as often repeated. At most ``max_bytes`` (256 MiB, and a quarter of what is
    available) are held at once. ``base`` has the constants that are not measured; None:
    the default. No setting of the machine is changed.

    ``ValueError``: simulated heaps, which cost what their board says; an unknown
    ``heap``; a size that is no whole number of pages. A size that the kernel refuses
    is left out, and :attr:`Calibration.skipped` says so.
    """
    matrix = _matrix(sizes, rounds, max_bytes)
    if base is not None and not isinstance(base, Costs):
        raise wrong("calibrate", "base", base, "a Costs")
    machine = this_machine()
    area = dataclasses.replace(
        matrix, max_bytes=area_bytes(machine.cache_bytes, matrix.max_bytes)
    )
    with _live(heaps) as there, _bar(progress=progress) as start:
        places = {Place(h.name, kind_of(h.name)): h for h in _chosen(there, heap)}
        tick = start(batches([*places, *HOST, AREA], matrix))
        logs = [
            *(measure(p, h.fileno(), _with(matrix, tick)) for p, h in places.items()),
            *(measure(place, -1, _with(matrix, tick)) for place in HOST),
            measure(AREA, -1, _with(area, tick)),
        ]
    return Calibration(
        machine,
        tuple(samples for log in logs for samples in log.samples()),
        base or Costs.default(),
        tuple(why for log in logs for why in log.skipped),
    )


def _with(matrix: Matrix, tick: Callable[[], None]) -> Matrix:
    return dataclasses.replace(matrix, tick=tick)


def _matrix(sizes: Sequence[int], rounds: int, max_bytes: int | None) -> Matrix:
    if isinstance(sizes, (str, bytes)) or not isinstance(sizes, Sequence) or not sizes:
        raise wrong("calibrate", "sizes", sizes, "a sequence of sizes, at least one")
    checked = {arguments.size("calibrate", "sizes", size) for size in sizes}
    rounds = arguments.integer("calibrate", "rounds", rounds, low=1, high=10_000)
    available = available_bytes() // 4
    if max_bytes is None:
        max_bytes = min(MAX_BYTES, available)
    most = arguments.integer(
        "calibrate", "max_bytes", max_bytes, low=4 * MiB, high=1 * GiB
    )
    return Matrix(tuple(sorted(checked)), rounds, min(most, max(available, 4 * MiB)))


@contextmanager
def _live(heaps: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
    """The heaps given, or those of this machine, which are closed again."""
    if heaps is not None:
        yield heaps
        return
    try:
        own = live.live()
    except BackendUnavailable:
        yield {}
        return
    with own:
        yield own


def _chosen(heaps: Mapping[str, Any], heap: str | None) -> list[Any]:
    if not isinstance(heaps, Mapping):
        raise wrong("calibrate", "heaps", heaps, "a mapping, as hk.live() gives")
    if heap is not None and heap not in heaps:
        there = ", ".join(heaps) or "none here"
        raise wrong("calibrate", "heap", heap, f"a live heap: {there}")
    chosen = list(heaps.values()) if heap is None else [heaps[heap]]
    for one in chosen:
        if not isinstance(one, (live.LiveHeap, live.LiveUdmabuf)):
            allowed = "live heaps; simulated ones cost what their board says"
            raise wrong("calibrate", "heaps", one, allowed)
    return chosen


@contextmanager
def _bar(*, progress: bool) -> Iterator[Callable[[int], Callable[[], None]]]:
    """A bar of the batches, where it is wanted."""
    shown: list[Any] = []

    def start(total: int) -> Callable[[], None]:
        if not progress:
            return lambda: None
        from tqdm import tqdm

        shown.append(tqdm(total=total, desc="calibrate", unit="batch", leave=False))
        return lambda: shown[0].update() and None

    try:
        yield start
    finally:
        for one in shown:
            one.close()
