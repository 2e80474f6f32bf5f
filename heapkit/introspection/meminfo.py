# SPDX-License-Identifier: MIT
"""``/proc/meminfo``: totals of the machine, CmaTotal and CmaFree among them."""

from __future__ import annotations

import re

from heapkit.importers.text import Lines
from heapkit.introspection.tree import Root, tree_of
from heapkit.units import KiB

name = "meminfo"
path = "/proc/meminfo"
gives = "MemFree, MemAvailable, CmaTotal and CmaFree; CmaFree lags behind frees"
needs = "a mounted /proc: sudo mount -t proc proc /proc"

_FILE = path.removeprefix("/")
_LINE = re.compile(r"(?P<key>[^\s:]+):\s*(?P<value>\d{1,19})(?P<kb> kB)?\s*", re.ASCII)


def read(root: Root = "/") -> dict[str, int]:
    """Every line: bytes, or a number where the kernel gives no unit."""
    tree = tree_of(root)
    return parse(tree.text(_FILE), path=tree.path(_FILE))


def parse(text: str, *, path: object = None) -> dict[str, int]:
    """The lines of a meminfo text."""
    lines = Lines(text, path=path)
    values: dict[str, int] = {}
    while lines.skip_blank() is not None:
        match = lines.expect(_LINE, "NAME: NUMBER kB")
        values[match["key"]] = int(match["value"]) * (KiB if match["kb"] else 1)
    if not values:
        raise lines.error("the file is empty", line=1)
    return values
