# SPDX-License-Identifier: MIT
"""The sources of one file or directory each: what they say and what they refuse."""

import errno
import os

import pytest

from heapkit.errors import FormatError
from heapkit.introspection import (
    buddyinfo,
    bufinfo,
    cma_sysfs,
    dmabuf_iter,
    dmabuf_sysfs,
    extfrag,
    meminfo,
    pagetypeinfo,
    pools,
)
from heapkit.introspection.tree import Tree
from heapkit.snapshot import BufferInfo
from heapkit.units import KiB
from tests.unit.introspection.texts import bufinfo as bufinfo_of

BUDDY = (
    "Node 0, zone      DMA      1      0      0      1      2\n"
    "Node 0, zone    DMA32   9880   1489    647    332    177\n"
)
UNUSABLE = (
    "Node 0, zone      DMA 0.000 0.000 0.013 0.100 1.000 \n"
    "Node 0, zone   Normal 0.000 0.120 0.130 0.230 0.440 \n"
)
INDEX = "Node 0, zone      DMA -1.000 -1.000 0.013 0.100 1.000 \n"
PAGETYPES = (
    "Page block order: 9\nPages per block:  512\n\n"
    "Free pages count per migrate type at order       0      1      2 \n"
    "Node    0, zone   Normal, type    Unmovable   3864    728    394 \n"
    "Node    0, zone   Normal, type          CMA >100000      0      7 \n"
    "\nNumber of blocks type     Unmovable          CMA \n"
    "Node 0, zone   Normal          135           32 \n"
)
ITER = "14\n126976\nmy-buffer\nsystem\n15\n4096\n\nreserved\n"


def test_buddyinfo_is_a_count_per_zone_and_order():
    dma, dma32 = buddyinfo.parse(BUDDY)
    assert (dma.node, dma.zone, dma.values) == (0, "DMA", (1, 0, 0, 1, 2))
    assert dma32.values[0] == 9880


def test_extfrag_has_shares_and_minus_one_where_a_request_would_be_served(machine):
    directory = "sys/kernel/debug/extfrag"
    root = machine(
        {f"{directory}/extfrag_index": INDEX, f"{directory}/unusable_index": UNUSABLE}
    )
    seen = extfrag.read(root)
    assert seen.extfrag_index[0].values == (-1, -1, 0.013, 0.1, 1)
    assert [zone.zone for zone in seen.unusable_index] == ["DMA", "Normal"]


def test_pagetypeinfo_has_free_blocks_and_page_blocks_of_each_type():
    seen = pagetypeinfo.parse(PAGETYPES)
    assert seen.pages_per_block == 512
    assert seen.free[0].free == (3864, 728, 394)
    assert seen.blocks[0].blocks == {"Unmovable": 135, "CMA": 32}


def test_pagetypeinfo_says_where_there_are_more_than_it_counts():
    cma = pagetypeinfo.parse(PAGETYPES).free[1]
    assert (cma.migratetype, cma.free[0], cma.capped) == ("CMA", 100_000, (0,))


def test_meminfo_is_bytes_and_plain_numbers():
    text = "CmaTotal:         524288 kB\nCmaFree:15572 kB\nHugePages_Total:       3\n"
    seen = meminfo.parse(text)
    assert seen == {
        "CmaTotal": 524_288 * KiB,
        "CmaFree": 15_572 * KiB,
        "HugePages_Total": 3,
    }


def test_pools_are_bytes(machine):
    assert pools.read(machine({"sys/kernel/dma_heap/total_pools_kb": "96\n"})) == 98_304


def test_dmabuf_iter_is_four_lines_a_buffer():
    named, unnamed = dmabuf_iter.parse(ITER)
    assert named == BufferInfo(126_976, "system", name="my-buffer", inode=14)
    assert (unnamed.name, unnamed.exp_name) == (None, "reserved")


@pytest.mark.parametrize("name", ["a\nb", "\n", "1\n2", "x\n\n\ny"])
def test_dmabuf_iter_survives_a_name_of_several_lines(name):
    hostile, other = dmabuf_iter.parse(ITER.replace("my-buffer", name))
    assert (hostile.name, other.inode) == (name, 15)


def test_dmabuf_sysfs_needs_no_root_and_skips_what_is_being_released(machine):
    directory = "sys/kernel/dmabuf/buffers"
    root = machine(
        {
            f"{directory}/14/size": "126976\n",
            f"{directory}/14/exporter_name": "system\n",
            f"{directory}/9/exporter_name": "system\n",
        }
    )
    assert dmabuf_sysfs.read(root) == (BufferInfo(126_976, "system", inode=14),)


def test_cma_counters_are_what_the_kernel_has(machine):
    directory = "sys/kernel/mm/cma/reserved"
    root = machine(
        {
            f"{directory}/alloc_pages_success": "9\n",
            f"{directory}/alloc_pages_fail": "2\n",
        }
    )
    counters = {"alloc_pages_success": 9, "alloc_pages_fail": 2}
    assert cma_sysfs.read(root) == {"reserved": counters}


@pytest.mark.parametrize(
    "name",
    ["a\nb", "a\n", "x\n\tAttached Devices:\n\tgpu", "a\nTotal 0 objects, 0 bytes"],
)
def test_bufinfo_survives_a_name_of_several_lines(machine, name):
    rows = [(4096, 1, "system", 15, "<none>"), (8192, 2, "system", 14, name)]
    for order in (rows, rows[::-1]):
        root = machine({"sys/kernel/debug/dma_buf/bufinfo": bufinfo_of(*order)})
        seen = {b.inode: b for b in bufinfo.read(root).buffers}
        assert (seen[14].name, seen[14].size, seen[15].size) == (name, 8192, 4096)


def test_bufinfo_survives_a_name_that_is_not_utf8(machine):
    text = bufinfo_of((4096, 1, "system", 15, "NAME")).encode()
    root = machine({"sys/kernel/debug/dma_buf/bufinfo": text.replace(b"NAME", b"\xe9")})
    assert bufinfo.read(root).buffers[0].name == "\\xe9"


@pytest.mark.parametrize(
    ("parse", "text", "line", "message"),
    [
        (buddyinfo.parse, BUDDY + "Node 0, zone Normal 1 2\n", 3, "2 orders, unlike"),
        (buddyinfo.parse, BUDDY.replace("9880", "many"), 2, "expected Node N"),
        (buddyinfo.parse, "\n", 1, "empty"),
        (extfrag.parse, UNUSABLE.replace("0.440", "44%"), 2, "expected Node N"),
        (pagetypeinfo.parse, PAGETYPES.replace("394", ""), 5, "2 counts of 3"),
        (
            pagetypeinfo.parse,
            PAGETYPES.replace("           32", ""),
            9,
            "1 numbers of 2",
        ),
        (pagetypeinfo.parse, "nonsense\n", 1, "expected Free pages"),
        (meminfo.parse, "MemFree: 12 kB\nMemTotal: lots kB\n", 2, "expected NAME"),
        (meminfo.parse, "", 1, "empty"),
        (dmabuf_iter.parse, ITER + "16\n4096\n", 9, "expected inode, size"),
        (dmabuf_iter.parse, "x" + ITER, 1, "expected inode, size"),
    ],
)
def test_malformed_text_is_refused_with_its_line(parse, text, line, message):
    with pytest.raises(FormatError, match=message) as caught:
        parse(text, path="file")
    assert (caught.value.path, caught.value.line) == ("file", line)


def test_number_that_is_none_is_refused_with_its_path(machine):
    root = machine({"sys/kernel/dma_heap/total_pools_kb": "lots\n"})
    with pytest.raises(FormatError, match="expected one number") as caught:
        pools.read(root)
    assert caught.value.path == root / "sys/kernel/dma_heap/total_pools_kb"


def test_zero_byte_is_refused(machine):
    with pytest.raises(FormatError, match="binary, not text"):
        buddyinfo.read(machine({"proc/buddyinfo": b"Node\0"}))


@pytest.mark.parametrize("code", [errno.ENOENT, errno.ENODEV])
def test_a_buffer_that_ends_while_sysfs_is_read_is_none(machine, monkeypatch, code):
    directory = "sys/kernel/dmabuf/buffers"
    root = machine(
        {
            f"{directory}/{inode}/{name}": text
            for inode in (5, 6)
            for name, text in (("size", "4096\n"), ("exporter_name", "system\n"))
        }
    )
    number = Tree.number

    def ends(tree, name):
        if name.endswith("/5/size"):
            raise OSError(code, os.strerror(code))
        return number(tree, name)

    monkeypatch.setattr(Tree, "number", ends)
    assert [buffer.inode for buffer in dmabuf_sysfs.read(root)] == [6]


def test_another_error_of_sysfs_is_raised(machine, monkeypatch):
    root = machine({"sys/kernel/dmabuf/buffers/5/size": "4096\n"})

    def denied(tree, name):
        raise OSError(errno.EACCES, name)

    monkeypatch.setattr(Tree, "number", denied)
    with pytest.raises(PermissionError):
        dmabuf_sysfs.read(root)
