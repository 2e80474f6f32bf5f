# SPDX-License-Identifier: MIT
"""CMA areas in debugfs, whose files are read one after another."""

import pytest

from heapkit.errors import FormatError
from heapkit.introspection import cma
from heapkit.introspection.tree import Tree
from heapkit.units import KiB

AREA = "sys/kernel/debug/cma/reserved"
FILES = {
    "base_pfn": "114176\n",
    "count": "64\n",
    "order_per_bit": "0\n",
    "used": "5\n",
    "maxchunk": "58\n",
    "bitmap": "15 2147483648\n",
}


def area(**changed):
    files = FILES | {name: text for name, text in changed.items() if text is not None}
    kept = {
        name: text for name, text in files.items() if changed.get(name, "") is not None
    }
    return {f"{AREA}/{name}": text for name, text in kept.items()}


def test_area_is_a_snapshot_with_its_counters(machine):
    files = area(used="5\n", maxchunk="59\n")
    (snapshot,) = cma.read(machine(files)).values()
    assert (snapshot.heap, snapshot.base) == ("reserved", 114176 << 12)
    assert [r.size // (4 * KiB) for r in snapshot.regions] == [4, 59, 1]
    assert snapshot.attributes["used"] == 5
    assert snapshot.attributes["differs"] == ""


def test_counter_of_another_moment_is_told_and_the_bitmap_holds(machine):
    (snapshot,) = cma.read(machine(area(used="9\n", maxchunk="59\n"))).values()
    assert snapshot.attributes["differs"] == "used is 9 pages, the bitmap has 5"
    assert snapshot.used_bytes == 5 * 4 * KiB


def test_area_that_changes_while_it_is_read_is_read_again(machine, monkeypatch):
    root = machine(area(used="9\n", maxchunk="59\n"))
    raw, asked = Tree.raw, []

    def settle(tree, name):
        asked.append(name)
        if len(asked) > len(FILES):
            (root / AREA / "used").write_text("5\n")
        return raw(tree, name)

    monkeypatch.setattr(Tree, "raw", settle)
    (snapshot,) = cma.read(root).values()
    assert snapshot.attributes["differs"] == ""


def test_area_of_several_ranges_is_a_snapshot_for_each(machine):
    files = area(bitmap=None, base_pfn=None)
    for number, bitmap in enumerate(("15\n", "0 1\n")):
        files[f"{AREA}/ranges/{number}/bitmap"] = bitmap
        files[f"{AREA}/ranges/{number}/base_pfn"] = f"{1000 * number}\n"
    areas = cma.read(machine(files))
    assert {n: s.used_bytes // (4 * KiB) for n, s in areas.items()} == {
        "reserved/0": 4,
        "reserved/1": 1,
    }


@pytest.mark.parametrize(
    ("file", "text"), [("bitmap", "15 x\n"), ("bitmap", "15\n"), ("count", "many\n")]
)
def test_malformed_area_is_refused_with_its_path(machine, file, text):
    with pytest.raises(FormatError) as caught:
        cma.read(machine(area(**{file: text})))
    assert caught.value.path.name == file
    assert caught.value.line == 1
