# SPDX-License-Identifier: MIT
"""Buffers of rk-dma-heap: inode, owner, address and attached devices."""

import pytest

from heapkit.errors import FormatError
from heapkit.importers import rk_dma_heap_info as info
from heapkit.samples import sample

ALLOC = (
    "\tAlloc by (vmpi                )\t[0x03e1b000-0x03e33fff]\t0x00019000 (100 KiB)\n"
)
BUFFER = (
    "dma-heap:<rk-dma-heap-cma> -dmabuf\ti_ino = 5656\n"
    + ALLOC
    + "\t\tAttached Devices:\n\t\tffa50000.rkvenc\nTotal 1 devices attached\n\n"
)
INSIDE = "dma-heap:<rk-dma-heap-cma> -non dmabuf\n" + ALLOC


@pytest.fixture(scope="module")
def rv1106():
    return info.read(sample("rk_dma_heap_info_rv1106"))


def test_five_buffers_of_the_rv1106_are_listed(rv1106):
    assert [b.inode for b in rv1106.buffers] == [5656, 5655, 5654, 5652, 5610]
    assert rv1106.total_bytes == (100 + 100 + 432 + 64 + 596) * 1024
    assert rv1106.attributes["total_bytes"] is None


def test_buffer_has_owner_address_and_heap(rv1106):
    first = rv1106.buffers[0]
    assert (first.owner, first.address) == ("vmpi", 0x03E1B000)
    assert first.exp_name == "rk-dma-heap-cma"
    assert (first.name, first.count, first.flags) == (None, None, None)


def test_device_attached_twice_is_listed_twice(rv1106):
    assert rv1106.buffers[3].attached == ("ffa50000.rkvenc",) * 2
    assert len(rv1106.buffers[4].attached) == 5


def test_every_buffer_is_in_the_map_of_the_same_device(rv1106):
    from heapkit.importers import rk_dma_heap_alloc_map

    layout = rk_dma_heap_alloc_map.read(sample("rk_dma_heap_alloc_map_rv1106"))
    placed = {(r.address, r.size, r.owner) for r in layout.regions}
    assert {(b.address, b.size, b.owner) for b in rv1106.buffers} <= placed


def test_memory_taken_inside_the_kernel_has_no_inode():
    seen = info.parse(BUFFER + INSIDE + INSIDE)
    assert [b.inode for b in seen.buffers] == [5656, None, None]


def test_total_of_the_driver_is_kept():
    seen = info.parse(BUFFER + "\nTotal : 0x19000 (100 KiB)\n")
    assert seen.attributes["total_bytes"] == 0x19000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("i_ino = 5656", "i_ino = many", "expected 'dma-heap:"),
        ("-dmabuf", "-shared", "expected 'dma-heap:"),
        ("0x00019000", "0x00018000", "the line says other"),
        ("Total 1", "Total 2", "1 devices are listed"),
        ("\t\tAttached Devices:\n", "", "expected 'Attached Devices:'"),
        ("Total 1 devices attached\n\n", "", "expected a device"),
        ("(99 KiB)", "(98 KiB)", "0x18c00 bytes are 99 KiB"),
        ("KiB)\n\n", "KiB)\nmore\n\n", "text after the total"),
    ],
)
def test_what_does_not_agree_is_refused(old, new, message):
    text = BUFFER + "\nTotal : 0x18c00 (99 KiB)\n\n"
    with pytest.raises(FormatError, match=message):
        info.parse(text.replace(old, new, 1))


def test_inode_listed_twice_in_a_file_is_refused():
    with pytest.raises(FormatError, match=r":\d+: inode 5656 is listed twice"):
        info.parse(BUFFER + "\n" + BUFFER)
