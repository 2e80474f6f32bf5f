# SPDX-License-Identifier: MIT
"""Moving pages: the 25.75 MiB of a face unlock, and what discarding them saves.

The face unlock is predicted from its counts: pages, pages migrated, mappings. No
constant used for it knows its time. ``migrate_page`` comes from the GCMA table;
``unmap_mapping`` was never published and is assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from heapkit.board import Board, PageLoad
from heapkit.published import figure
from heapkit.replay import replay
from heapkit.trace import Trace
from heapkit.units import MiB
from heapkit.validation import gcma
from heapkit.validation.bench import (
    PAGE,
    PAGEBLOCK,
    cma_board,
    counts,
    last_ns,
    lent_area,
    only,
)
from heapkit.validation.fit import Fit
from heapkit.validation.result import Row

UNLOCK, CLEAN = "25.75 MiB of a face unlock", "discard against migrate"
# Assumed: to unmap a page at one of its mappings is to reach one page-table entry
# that is in no cache, and one access to DRAM takes about 100 ns on any machine of
# the last ten years. Locks, TLB invalidation and the way back are not in it.
UNMAP_MAPPING = 100.0
# Half and twice of that: what an assumption of such a kind is good for.
UNMAP_RANGE = (50.0, 200.0)
CHARGED = ("cma_call", "cma_page", "migrate_page", "unmap_mapping")


def rows() -> tuple[Row, ...]:
    """The face unlock, its terms one by one, and the ratio."""
    return (*_unlock(), *_clean())


@cache
def face_unlock_counts() -> dict[str, float]:
    """What the model charges for that allocation, by replaying it."""
    bench, trace = _face_unlock({})
    return counts(trace, bench, CHARGED)


def face_unlock_ns(constants: Mapping[str, float]) -> float:
    """How long the model says it takes."""
    bench, trace = _face_unlock(constants)
    return last_ns(replay(trace, bench, gauges=False))


def _face_unlock(constants: Mapping[str, float]) -> tuple[Board, Trace]:
    """Board and trace: two loads, so that the mappings add up to the last one."""
    pages, migrated, mappings = (
        round(figure(f"face_unlock.{name}").value)
        for name in ("pages", "migrated", "mappings")
    )
    fewer, more = divmod(mappings, migrated)
    area = -(-pages * PAGE // PAGEBLOCK) * PAGEBLOCK
    bench = cma_board(
        memory=area + 64 * MiB,
        area=area,
        costs=only(constants),
        loads=(
            PageLoad(name="shared", mapcount=fewer),
            PageLoad(name="shared more", mapcount=fewer + 1),
        ),
    )
    # The area is whole pageblocks. Its last block is its smallest, so it is borrowed
    # first, with what lies beyond the request.
    beyond = area // PAGE - pages
    lent = {"shared": migrated - more + beyond, "shared more": more}
    return bench, lent_area(bench, lent, pages)


def _unlock() -> list[Row]:
    both = gcma.machine(*gcma.SERIES)
    whole = both.cma | {"unmap_mapping": UNMAP_MAPPING}
    found = [_unlock_row("", whole, both.idle + both.moving, detail=False)]
    for series in gcma.SERIES:
        one = gcma.machine(series)
        told = f", migrate_page of {series} alone"
        constants = one.cma | {"unmap_mapping": UNMAP_MAPPING}
        found.append(_unlock_row(told, constants, one.idle + one.moving))
    for ns in UNMAP_RANGE:
        told = f", {ns:.0f} ns a mapping"
        constants = whole | {"unmap_mapping": ns}
        found.append(_unlock_row(told, constants, both.idle + both.moving))
    without = {name: v for name, v in whole.items() if name != "unmap_mapping"}
    found.append(_unlock_row(", pages alone", without, both.idle + both.moving))
    mappings = whole | {"migrate_page": 0.0}
    found.append(_unlock_row(", mappings alone", mappings, both.idle))
    return found


def _unlock_row(
    told: str,
    constants: Mapping[str, float],
    fits: tuple[Fit, ...],
    *,
    detail: bool = True,
) -> Row:
    mapped = constants.get("unmap_mapping", 0.0)
    return Row(
        target=UNLOCK,
        what=f"6592 pages, 6365 migrated, 832 596 mappings{told}",
        unit="ns",
        published=figure("face_unlock.time").value,
        model=face_unlock_ns(constants),
        figures=("face_unlock.time",),
        fits=fits,
        assumed=(f"unmap_mapping ({mapped:.0f} ns)",) if mapped else (),
        within=gcma.AIM,
        detail=detail,
        note="" if detail else WHY,
    )


WHY = (
    "the phone took 17.3 µs for a page with all its mappings, less than the least "
    "loaded average of GCMA's table, 20.0 µs on a 1 GHz Cortex-A9 under `make -j16`: "
    "the constant does not carry over, and mappings come on top"
)


def _clean() -> list[Row]:
    """The same pages migrated and discarded, with the constants of the table."""
    migrated = figure("clean_pages.migrated").value
    discarded = figure("clean_pages.discarded").value
    found = []
    for series in (gcma.SERIES, *((one,) for one in gcma.SERIES)):
        by = gcma.machine(*series)
        pages = round(figure("clean_pages.bytes").value) // PAGE
        slow = gcma.took(pages, by.cma, lent=True, discard=False)
        fast = gcma.took(pages, by.gcma, lent=True, discard=True)
        alone = len(series) == 1
        found.append(
            Row(
                target=CLEAN,
                what="10 MiB" + (f", constants of {series[0]} alone" if alone else ""),
                unit="times",
                published=migrated / discarded,
                model=slow / fast,
                figures=("clean_pages.migrated", "clean_pages.discarded"),
                fits=by.idle + by.moving + by.floor + by.dropping,
                within=gcma.AIM,
                detail=alone,
                note="" if alone else "QEMU against a board: no time carries over",
            )
        )
    return found
