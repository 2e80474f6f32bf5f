# SPDX-License-Identifier: MIT
"""What a fallback costs: not only another heap, but every use of it afterwards.

A buffer that its first heap had no room for comes from a later one of its chain, in
more pieces. Each attach, map and sync of it then walks more entries. :func:`costs`
counts that for a run, :func:`drill` for the start of a camera, under dma-heaps and
under ION.
"""

from __future__ import annotations

from heapkit.fallback.counting import (
    PARTS,
    SUMMED,
    ample_board,
    ample_run,
    costs,
    fallen,
)
from heapkit.fallback.drilling import Drill, Side, drill

__all__ = [
    "PARTS",
    "SUMMED",
    "Drill",
    "Side",
    "ample_board",
    "ample_run",
    "costs",
    "drill",
    "fallen",
]
