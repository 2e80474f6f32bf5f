# SPDX-License-Identifier: MIT
"""``/sys/kernel/debug/extfrag``: how much of the free memory is of no use, by order.

``extfrag_index`` is -1 where a request would be served, and otherwise near 0 if it
fails for want of memory and near 1 if for fragmentation; ``unusable_index`` is the
share of free memory in blocks that are too small (mm/vmstat.c).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from heapkit.introspection.tree import Root, tree_of
from heapkit.introspection.zones import Zone, parse_zones

name = "extfrag"
path = "/sys/kernel/debug/extfrag"
gives = "whether a request of each order would fail, and for which of two reasons"
needs = "CONFIG_DEBUG_FS with CONFIG_COMPACTION"

_DIRECTORY = path.removeprefix("/")
_INDEX = re.compile(r"-?\d\.\d{3}", re.ASCII)


@dataclass(frozen=True)
class Extfrag:
    """Both indices, a zone a line; ``values[o]`` is of order ``o``."""

    extfrag_index: tuple[Zone[float], ...]
    unusable_index: tuple[Zone[float], ...]


def read(root: Root = "/") -> Extfrag:
    """Both files."""
    tree = tree_of(root)
    files = [f"{_DIRECTORY}/{name}" for name in ("extfrag_index", "unusable_index")]
    both = [parse(tree.text(file), path=tree.path(file)) for file in files]
    return Extfrag(*both)


def parse(text: str, *, path: object = None) -> tuple[Zone[float], ...]:
    """One of the two texts."""
    return parse_zones(text, _INDEX, float, path=path)
