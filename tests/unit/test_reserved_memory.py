# SPDX-License-Identifier: MIT
import re

import pytest

from heapkit import reserved_memory
from heapkit.board import Board, CarveoutHeap, CmaHeap, Memory, SecureHeap, SystemHeap
from heapkit.units import GiB, KiB, MiB

BOARD = Board(
    name="b",
    memory=Memory(total=1 * GiB),
    heaps=(
        SystemHeap(),
        CmaHeap(name="default_cma_region", size=64 * MiB),
        CarveoutHeap(name="camera", size=256 * MiB, base=0x8_0000_0000),
        SecureHeap(name="protected,secure-video", size=64 * MiB),
    ),
)


def test_a_carveouts_node_has_its_address_and_size_in_two_cells_each() -> None:
    node = reserved_memory.devicetree_node(BOARD, "camera")
    assert "camera: camera@800000000 {" in node
    assert "reg = <0x8 0x0 0x0 0x10000000>;" in node


def test_the_first_cma_area_is_the_default_one() -> None:
    node = reserved_memory.devicetree_node(BOARD, "default_cma_region")
    assert 'compatible = "shared-dma-pool";' in node
    assert "reusable;" in node
    assert "linux,cma-default;" in node


def test_protected_memory_is_not_mapped() -> None:
    assert "no-map;" in reserved_memory.devicetree_node(BOARD, "protected,secure-video")


def test_labels_and_node_names_hold_only_what_a_device_tree_allows() -> None:
    node = reserved_memory.devicetree_node(BOARD, "protected,secure-video")
    assert re.search(
        r"^\t[A-Za-z0-9_]+: [A-Za-z0-9,._+-]+@[0-9a-f]+ \{$", node, re.MULTILINE
    )


def test_braces_are_balanced() -> None:
    node = reserved_memory.devicetree_node(BOARD, "camera")
    assert node.count("{") == node.count("}") == 2


@pytest.mark.parametrize(
    ("size", "text"),
    [(64 * MiB, "cma=64M"), (2 * GiB, "cma=2G"), (2052 * KiB, "cma=2052K")],
)
def test_the_command_line_uses_the_largest_suffix_that_is_exact(
    size: int, text: str
) -> None:
    board = BOARD.replace({"memory.total": 8 * GiB, "default_cma_region.size": size})
    assert reserved_memory.command_line(board, "default_cma_region") == text


def test_a_carveout_has_no_command_line() -> None:
    with pytest.raises(ValueError, match="only the default CMA area"):
        reserved_memory.command_line(BOARD, "camera")


def test_a_system_heap_has_no_node() -> None:
    with pytest.raises(ValueError, match="without a region"):
        reserved_memory.devicetree_node(BOARD, "system")
