# SPDX-License-Identifier: MIT
"""The bitmap of a CMA area, alone and with the files beside it."""

import shutil

import pytest

from heapkit.errors import FormatError
from heapkit.importers import cma_bitmap, cma_trace
from heapkit.importers.cma_area import MAX_BITS
from heapkit.samples import sample
from heapkit.snapshot import State

PAGE = 4096


@pytest.fixture
def area(tmp_path):
    """A copy of the shipped debugfs directory."""
    return shutil.copytree(sample("bitmap").parent, tmp_path / "reserved")


def test_area_of_the_recording_is_read_with_the_files_beside_it():
    snapshot = cma_bitmap.read(sample("bitmap"))
    assert (snapshot.heap, snapshot.base) == ("reserved", 94208 * PAGE)
    assert snapshot.size == 4096 * PAGE
    assert snapshot.used_bytes == 2997 * PAGE
    assert snapshot.largest_free_bytes == 256 * PAGE
    assert snapshot.attributes["assumed"] == ()


def test_bitmap_says_what_the_recording_says():
    recording = cma_trace.read_all(sample("cma_trace_16M.json"))["quiet"]
    assert cma_bitmap.read(sample("bitmap")).regions == recording.snapshot(-1).regions


def test_lowest_bit_is_the_lowest_page():
    regions = cma_bitmap.parse("2147483648 7\n").regions
    assert [(r.address // PAGE, r.size // PAGE) for r in regions] == [
        (0, 31),
        (31, 4),
        (35, 29),
    ]
    assert [r.state for r in regions] == [State.FREE, State.USED, State.FREE]


def test_bitmap_alone_says_what_it_assumes():
    snapshot = cma_bitmap.parse("0 0\n")
    assert (snapshot.base, snapshot.size) == (0, 64 * PAGE)
    assert snapshot.attributes["assumed"] == ("base_pfn", "count", "order_per_bit")


def test_full_area_is_one_region():
    (region,) = cma_bitmap.parse("4294967295 4294967295\n").regions
    assert (region.size, region.state) == (64 * PAGE, State.USED)


def test_one_bit_may_be_many_pages():
    snapshot = cma_bitmap.parse(
        "1 0\n", order_per_bit=9, base_pfn=512, maxchunk=63 << 9
    )
    assert snapshot.size == 64 * 512 * PAGE
    assert (snapshot.regions[0].size, snapshot.base) == (512 * PAGE, 512 * PAGE)


def test_numbers_can_be_given_instead(area):
    for beside in area.iterdir():
        if beside.name != "bitmap":
            beside.unlink()
    snapshot = cma_bitmap.read(area / "bitmap", base_pfn=16, count=4090, heap="vpu")
    assert (snapshot.heap, snapshot.base) == ("vpu", 16 * PAGE)
    assert snapshot.size == 4090 * PAGE
    assert snapshot.attributes["assumed"] == ("order_per_bit",)


def test_argument_goes_before_the_file_beside(area):
    assert cma_bitmap.read(area / "bitmap", base_pfn=16).base == 16 * PAGE


def test_bitmap_of_a_range_belongs_to_the_area_above(area):
    one = area / "ranges" / "1"
    one.mkdir(parents=True)
    (one / "base_pfn").write_text("512\n")
    (one / "bitmap").write_text("1 0\n")
    snapshot = cma_bitmap.read(one / "bitmap")
    assert (snapshot.heap, snapshot.base) == ("reserved", 512 * PAGE)
    assert (snapshot.size, snapshot.used_bytes) == (64 * PAGE, PAGE)
    assert snapshot.attributes["assumed"] == ("count",)


def test_last_word_may_be_partly_used():
    assert cma_bitmap.parse("0 255\n", count=40).size == 40 * PAGE


@pytest.mark.parametrize("trailer", ["", " ", "\n", " \n"])
def test_end_of_the_line_may_be_missing_where_the_count_is_known(trailer):
    assert cma_bitmap.parse("0 1" + trailer, count=64).used_bytes == PAGE


def test_count_in_whole_bits_is_enough_for_kernels_that_count_requests():
    assert cma_bitmap.parse("1 0\n", order_per_bit=2, used=3).used_bytes == 4 * PAGE


@pytest.mark.parametrize(
    ("text", "known", "message"),
    [
        ("0 4294967296\n", {}, "word 1 is no u32"),
        ("0 -1\n", {}, "word 1 is no u32"),
        ("0 0x10\n", {}, "word 1 is no u32"),
        ("0  1\n", {}, "word 1 is no u32"),
        ("0 1\n2 3\n", {}, "word 1 is no u32"),
        ("0 1", {}, "cut off"),
        ("0 1\n", {"count": 96}, "2 words, but 96 pages take 3"),
        ("0 256\n", {"count": 40}, "bits are set beyond the 40"),
        ("0 1\n", {"used": 2}, "used is 2 pages, the bitmap has 1"),
        ("0 1\n", {"maxchunk": 31}, "maxchunk is 31 pages, the bitmap has 32"),
        ("0 1\n", {"count": 0}, "no memory has 0 pages"),
        ("0 1\n", {"base_pfn": 1 << 40}, "no memory has 64 pages"),
        ("0 1\n", {"order_per_bit": 99}, "order_per_bit is 99"),
        ("0 1\n", {"order_per_bit": 1, "count": 127}, "not whole bits"),
        ("0 1\n", {"count": MAX_BITS * 2}, "is the most that is read"),
    ],
)
def test_what_cannot_be_is_refused(text, known, message):
    with pytest.raises(FormatError, match=message):
        cma_bitmap.parse(text, **known)


@pytest.mark.parametrize("name", ["used", "maxchunk", "count"])
def test_file_beside_must_agree(area, name):
    (area / name).write_text("5\n")
    with pytest.raises(FormatError, match=r"5 pages"):
        cma_bitmap.read(area / "bitmap")


@pytest.mark.parametrize("text", ["many\n", "1 2\n", "-1\n", "", "9" * 30])
def test_file_beside_must_be_one_number(area, text):
    (area / "base_pfn").write_text(text)
    with pytest.raises(FormatError) as caught:
        cma_bitmap.read(area / "bitmap")
    assert caught.value.path == area / "base_pfn"
