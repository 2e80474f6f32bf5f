# SPDX-License-Identifier: MIT
"""What to paste: a ``/reserved-memory`` node or a kernel command line.

Sources: Documentation/devicetree/bindings/reserved-memory/reserved-memory.yaml and
shared-dma-pool.yaml (``reusable``, ``linux,cma-default``, ``no-map``);
Documentation/admin-guide/kernel-parameters.txt (``cma=``).
"""

from __future__ import annotations

import re

from heapkit.board import (
    Board,
    CarveoutHeap,
    ChunkHeap,
    CmaHeap,
    PagedHeap,
    RegionHeap,
    SecureHeap,
)
from heapkit.units import GiB, KiB, MiB, format_bytes

# Mainline has no carveout or chunk heap, so these bindings are vendors'.
_PROPERTIES: dict[type, tuple[str, ...]] = {
    CmaHeap: ('compatible = "shared-dma-pool";', "reusable;"),
    # beagleboard/linux: drivers/dma-buf/heaps/carveout-heap.c
    CarveoutHeap: ('compatible = "dma-heap-carveout";',),
    # The 2020 chunk heap proposal: drivers/dma-buf/heaps/chunk_heap.c
    ChunkHeap: ('compatible = "dma_heap,chunk";',),
    # The CPU must not map protected memory, so the kernel must not either.
    SecureHeap: ("no-map;",),
}


def devicetree_node(board: Board, name: str) -> str:
    """The ``/reserved-memory`` node of heap ``name``, as device tree source.

    ``ValueError`` for a heap that has no region: a system heap takes its pages
    from the page allocator.
    """
    heap = _region_heap(board, name, "a device tree node")
    lines = [
        *_PROPERTIES[type(heap)],
        f"reg = <{_cells(heap.base)} {_cells(heap.size)}>;",
    ]
    if isinstance(heap, CmaHeap) and heap is _first_cma(board):
        lines.insert(2, "linux,cma-default;")
    label = re.sub(r"[^A-Za-z0-9_]", "_", name)
    node = re.sub(r"[^A-Za-z0-9._+-]", "-", name)
    body = "\n".join(f"\t\t{line}" for line in lines)
    return (
        "reserved-memory {\n"
        "\t#address-cells = <2>;\n\t#size-cells = <2>;\n\tranges;\n\n"
        f"\t/* {format_bytes(heap.size)} for {name} */\n"
        f"\t{label}: {node}@{heap.base or 0:x} {{\n{body}\n\t}};\n"
        "};\n"
    )


def command_line(board: Board, name: str) -> str:
    """``cma=…`` for the CMA heap ``name``; ``ValueError`` for any other kind."""
    heap = _region_heap(board, name, "a command line")
    if not isinstance(heap, CmaHeap):
        raise ValueError(
            f"heap {name!r} is a {type(heap).__name__}: the kernel command line sizes "
            "only the default CMA area (cma=); use to_devicetree()"
        )
    return f"cma={_suffixed(heap.size)}"


def _region_heap(board: Board, name: str, what: str) -> RegionHeap:
    heap = board.heap(name)
    if isinstance(heap, PagedHeap):
        raise ValueError(
            f"heap {name!r} is a {type(heap).__name__} without a region, so {what} "
            "cannot size it; page pools are set in the heap's driver"
        )
    if isinstance(heap, CmaHeap) and heap.ranges:
        raise ValueError(
            f"heap {name!r} lies in {len(heap.ranges)} ranges: {what} cannot say that; "
            "a kernel asks for them in code (cma_declare_contiguous_multi())"
        )
    return heap


def _first_cma(board: Board) -> CmaHeap | None:
    return next((h for h in board.heaps if isinstance(h, CmaHeap)), None)


def _cells(value: int | None) -> str:
    assert value is not None  # a board has placed every region
    return f"0x{value >> 32:x} 0x{value & 0xFFFFFFFF:x}"


def _suffixed(size: int) -> str:
    for unit, suffix in ((GiB, "G"), (MiB, "M"), (KiB, "K")):
        if size % unit == 0:
            return f"{size // unit}{suffix}"
    return str(size)
