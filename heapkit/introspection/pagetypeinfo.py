# SPDX-License-Identifier: MIT
"""``/proc/pagetypeinfo``: free blocks by migrate type, and page blocks of each type.

Migrate types and orders vary with kernels. Since Linux 5.5 a count above 100000 is
printed ``>100000`` (mm/vmstat.c) and only root may read the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from heapkit.importers.text import Lines
from heapkit.introspection.tree import Root, tree_of

name = "pagetypeinfo"
path = "/proc/pagetypeinfo"
gives = "how much of the free memory is movable, unmovable or CMA, by order"
needs = "a mounted /proc and a kernel with CONFIG_COMPACTION"

_FILE = path.removeprefix("/")
_BLOCK = re.compile(r"(Page block order|Pages per block):\s+(\d{1,10})\s*", re.ASCII)
_FREE_HEAD = re.compile(
    r"Free pages count per migrate type at order((?:\s+\d{1,2})+)\s*", re.ASCII
)
_FREE = re.compile(
    r"Node\s+(\d{1,5}), zone\s+(\S+), type\s+(\S+)((?:\s+>?\d{1,19})+)\s*", re.ASCII
)
_BLOCKS_HEAD = re.compile(r"Number of blocks type((?:\s+\S+)+)\s*", re.ASCII)
_BLOCKS = re.compile(r"Node\s+(\d{1,5}), zone\s+(\S+)((?:\s+\d{1,19})+)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class FreeBlocks:
    """Free blocks of one migrate type; of ``capped`` orders there are more."""

    node: int
    zone: str
    migratetype: str
    free: tuple[int, ...]
    capped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PageBlocks:
    """How many page blocks of a zone are of each migrate type."""

    node: int
    zone: str
    blocks: dict[str, int]


@dataclass(frozen=True)
class PageTypes:
    """The whole file. ``pages_per_block`` is None where the kernel left it out."""

    free: tuple[FreeBlocks, ...]
    blocks: tuple[PageBlocks, ...]
    pages_per_block: int | None = None


def read(root: Root = "/") -> PageTypes:
    """The file; ``PermissionError`` for all but root since Linux 5.5."""
    tree = tree_of(root)
    return parse(tree.text(_FILE), path=tree.path(_FILE))


def parse(text: str, *, path: object = None) -> PageTypes:
    """A pagetypeinfo text; the list of page blocks may be missing at the end."""
    lines = Lines(text, path=path)
    pages = _pages_per_block(lines)
    lines.skip_blank()
    head = lines.expect(_FREE_HEAD, "Free pages count per migrate type at order")
    free = _free(lines, len(head[1].split()))
    if lines.skip_blank() is None:
        return PageTypes(free, (), pages)
    head = lines.expect(_BLOCKS_HEAD, "Number of blocks type")
    return PageTypes(free, _blocks(lines, head[1].split()), pages)


def _pages_per_block(lines: Lines) -> int | None:
    pages = None
    while match := _BLOCK.fullmatch(lines.skip_blank() or ""):
        lines.take()
        if match[1] == "Pages per block":
            pages = int(match[2])
    return pages


def _free(lines: Lines, orders: int) -> tuple[FreeBlocks, ...]:
    rows = []
    while (lines.skip_blank() or "").startswith("Node"):
        match = lines.expect(_FREE, "Node N, zone NAME, type TYPE and counts")
        words = match[4].split()
        if len(words) != orders:
            raise lines.error(f"{len(words)} counts of {orders} orders")
        counts = tuple(int(word.lstrip(">")) for word in words)
        capped = tuple(o for o, word in enumerate(words) if word.startswith(">"))
        rows.append(FreeBlocks(int(match[1]), match[2], match[3], counts, capped))
    return tuple(rows)


def _blocks(lines: Lines, types: list[str]) -> tuple[PageBlocks, ...]:
    rows = []
    while lines.skip_blank() is not None:
        match = lines.expect(_BLOCKS, "Node N, zone NAME and numbers of blocks")
        words = match[3].split()
        if len(words) != len(types):
            raise lines.error(f"{len(words)} numbers of {len(types)} types")
        blocks = dict(zip(types, map(int, words), strict=True))
        rows.append(PageBlocks(int(match[1]), match[2], blocks))
    return tuple(rows)
