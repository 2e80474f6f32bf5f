# SPDX-License-Identifier: MIT
"""``/sys/kernel/mm/cma/AREA``: how many pages were asked for, refused and released."""

from __future__ import annotations

from heapkit.introspection.tree import Root, Tree, tree_of

name = "cma_sysfs"
path = "/sys/kernel/mm/cma"
gives = "pages that each CMA area allocated, failed to allocate and released"
needs = "CONFIG_CMA_SYSFS"

_DIRECTORY = path.removeprefix("/")
# The last two came with Linux 6.9; a kernel has what it has.
COUNTERS = (
    "alloc_pages_success",
    "alloc_pages_fail",
    "release_pages_success",
    "total_pages",
    "available_pages",
)


def read(root: Root = "/") -> dict[str, dict[str, int]]:
    """Area -> counter -> pages."""
    tree = tree_of(root)
    return {area: _counters(tree, area) for area in tree.entries(_DIRECTORY)}


def _counters(tree: Tree, area: str) -> dict[str, int]:
    counters = {}
    for counter in COUNTERS:
        try:
            counters[counter] = tree.number(f"{_DIRECTORY}/{area}/{counter}")
        except FileNotFoundError:
            continue
    return counters
