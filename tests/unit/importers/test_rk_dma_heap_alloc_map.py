# SPDX-License-Identifier: MIT
"""The RV1106's allocation map becomes a layout with owners."""

import pytest

from heapkit import KiB
from heapkit.errors import FormatError
from heapkit.importers import rk_dma_heap_alloc_map as alloc_map
from heapkit.samples import sample
from heapkit.snapshot import State

FIRST = "Alloc by (vmpi                ) [0x02800000-0x02802fff] 0x00003000 (12 KiB)\n"
LATER = "Alloc by (isp)\t[0x02804000-0x02804fff]\t0x00001000 (4 KiB)\n"
TOUCHING = "Alloc by (isp)\t[0x02803000-0x02803fff]\t0x00001000 (4 KiB)\n"


@pytest.fixture(scope="module")
def rv1106():
    return alloc_map.read(sample("rk_dma_heap_alloc_map_rv1106"))


def test_map_of_the_rv1106_is_44_regions_without_a_gap(rv1106):
    assert len(rv1106.regions) == 44
    assert rv1106.size == rv1106.used_bytes == 22_736 * KiB
    assert rv1106.holes == ()


def test_map_begins_and_ends_with_its_allocations(rv1106):
    assert rv1106.base == 0x02800000
    assert rv1106.regions[-1].end == 0x03E34000


def test_owners_lose_their_padding(rv1106):
    owners = {region.owner for region in rv1106.regions}
    assert owners == {"vmpi", "ffa00000.rkisp", "rkisp-vir0", "ff660000.npu"}


def test_npu_holds_as_much_as_its_lines_say(rv1106):
    npu = [r.size for r in rv1106.regions if r.owner == "ff660000.npu"]
    assert sum(npu) == (1952 + 3 * 72 + 3 * 20 + 432) * KiB


def test_gap_between_two_lines_is_free():
    snapshot = alloc_map.parse(FIRST + LATER)
    assert [r.state for r in snapshot.regions] == [State.USED, State.FREE, State.USED]
    assert (snapshot.free_bytes, snapshot.holes[0].address) == (4096, 0x02803000)


def test_lines_may_come_in_any_order():
    regions = alloc_map.parse(TOUCHING + FIRST).regions
    assert [r.owner for r in regions] == ["vmpi", "isp"]


def test_heap_can_be_named():
    path = sample("rk_dma_heap_alloc_map_rv1106")
    assert alloc_map.read(path, heap="isp").heap == "isp"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0x00003000", "0x00004000", "the addresses span 0x3000 bytes"),
        ("12 KiB", "13 KiB", "the addresses span 0x3000 bytes"),
        ("02802fff", "027fffff", "no buffer can have"),
        ("0x02802fff", "0xffffffffffffffff", "no buffer can have"),
        ("0x02800000", "0x02800001", "not whole pages"),
        ("Alloc by", "Free by", "expected 'Alloc by"),
        (" KiB)", "", "expected 'Alloc by"),
        ("0x02800000", "zero", "expected 'Alloc by"),
    ],
)
def test_line_that_contradicts_itself_is_refused(old, new, message):
    with pytest.raises(FormatError, match=message) as caught:
        alloc_map.parse(LATER + FIRST.replace(old, new))
    assert caught.value.line == 2


def test_overlap_is_refused_at_the_line_that_overlaps():
    with pytest.raises(FormatError, match="overlaps") as caught:
        alloc_map.parse(FIRST + LATER + FIRST)
    assert caught.value.line == 3


def test_map_without_an_allocation_is_refused():
    with pytest.raises(FormatError):
        alloc_map.parse("\n\n")
