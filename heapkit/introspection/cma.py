# SPDX-License-Identifier: MIT
"""``/sys/kernel/debug/cma/AREA``: which pages of each CMA area are taken.

:mod:`heapkit.importers.cma_bitmap` reads a bitmap. The files of an area are read
one after another while others allocate, so that ``used`` and ``maxchunk`` may be of
another moment: they are read again, and a difference that stays is told rather than
refused.
"""

from __future__ import annotations

from dataclasses import replace

from heapkit._ffi import PAGE_SHIFT
from heapkit.importers import cma_bitmap
from heapkit.introspection.tree import Root, Tree, tree_of
from heapkit.snapshot import Snapshot

name = "cma"
path = "/sys/kernel/debug/cma"
gives = "which pages of each CMA area are taken: holes and fragmentation"
needs = "CONFIG_CMA_DEBUGFS"

_DIRECTORY = path.removeprefix("/")
_ATTEMPTS = 4


def read(root: Root = "/") -> dict[str, Snapshot]:
    """Area -> its regions, taken and free, with ``used`` and ``maxchunk`` (pages).

    An area of several ranges (Linux 6.15) is an entry ``AREA/N`` for each.
    ``attributes["differs"]`` says what the counters say otherwise, if anything.
    """
    tree = tree_of(root)
    areas = {}
    for area in tree.entries(_DIRECTORY):
        for part in _parts(tree, area):
            areas[_name(area, part)] = _settled(tree, area, part)
    return areas


def _parts(tree: Tree, area: str) -> list[str]:
    """``ranges/0``… where there are several, else the area's directory itself."""
    try:
        ranges = tree.entries(f"{_DIRECTORY}/{area}/ranges")
    except (FileNotFoundError, NotADirectoryError):
        return [""]
    numbers = sorted(int(n) for n in ranges if n.isdecimal())
    return [""] if len(numbers) < 2 else [f"ranges/{n}" for n in numbers]


def _name(area: str, part: str) -> str:
    return area if not part else f"{area}/{part.removeprefix('ranges/')}"


def _settled(tree: Tree, area: str, part: str) -> Snapshot:
    for _ in range(_ATTEMPTS):
        snapshot = _snapshot(tree, area, part)
        if not snapshot.attributes["differs"]:
            break
    return snapshot


def _snapshot(tree: Tree, area: str, part: str) -> Snapshot:
    directory = f"{_DIRECTORY}/{area}"
    within = f"{directory}/{part}" if part else directory
    counters = {} if part else _counters(tree, directory)
    file = f"{within}/bitmap"
    snapshot = cma_bitmap.parse(
        tree.text(file),
        path=tree.path(file),
        heap=_name(area, part),
        base_pfn=tree.number(f"{within}/base_pfn"),
        # Of a range, nothing says the number of pages but its bitmap.
        count=None if part else tree.number(f"{directory}/count"),
        order_per_bit=tree.number(f"{directory}/order_per_bit"),
    )
    differs = _differs(snapshot, counters)
    return replace(
        snapshot, attributes=snapshot.attributes | counters | {"differs": differs}
    )


def _counters(tree: Tree, directory: str) -> dict[str, int]:
    return {name: tree.number(f"{directory}/{name}") for name in ("used", "maxchunk")}


def _differs(snapshot: Snapshot, counters: dict[str, int]) -> str:
    """What ``used`` and ``maxchunk`` say otherwise than the bitmap, in words."""
    bitmap = {
        "used": snapshot.used_bytes >> PAGE_SHIFT,
        "maxchunk": snapshot.largest_free_bytes >> PAGE_SHIFT,
    }
    return "; ".join(
        f"{name} is {said} pages, the bitmap has {bitmap[name]}"
        for name, said in counters.items()
        if said != bitmap[name]
    )
