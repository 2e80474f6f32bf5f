# SPDX-License-Identifier: MIT
"""``/proc/buddyinfo``: free blocks of each order, for each zone."""

from __future__ import annotations

import re

from heapkit.introspection.tree import Root, tree_of
from heapkit.introspection.zones import Zone, parse_zones

name = "buddyinfo"
path = "/proc/buddyinfo"
gives = "free blocks of each order: what the system heap can still get in large pages"
needs = "a mounted /proc: sudo mount -t proc proc /proc"

_FILE = path.removeprefix("/")
_COUNT = re.compile(r"\d{1,19}", re.ASCII)


def read(root: Root = "/") -> tuple[Zone[int], ...]:
    """The zones in the kernel's order; ``values[o]`` counts free blocks."""
    tree = tree_of(root)
    return parse(tree.text(_FILE), path=tree.path(_FILE))


def parse(text: str, *, path: object = None) -> tuple[Zone[int], ...]:
    """The zones of a buddyinfo text."""
    return parse_zones(text, _COUNT, int, path=path)
