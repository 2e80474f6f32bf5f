# SPDX-License-Identifier: MIT
import pytest

from heapkit.preload.faults import Faults

HEAPS = ("system", "camera")


def refused(faults, heap="camera", tries=1000):
    return [i for i in range(1, tries + 1) if faults.refuse(heap)]


def test_the_allocation_of_that_number_fails_and_no_other():
    assert refused(Faults(HEAPS, {"camera": 3}, 1)) == [3]


def test_several_numbers_and_a_share_add_up():
    found = refused(Faults(HEAPS, {"camera": (1, 2, 0.0)}, 1))
    assert found == [1, 2]


def test_heaps_are_counted_apart():
    faults = Faults(HEAPS, {"camera": 2}, 1)
    assert not refused(faults, "system")
    assert refused(faults) == [2]


def test_a_share_is_drawn_from_the_seed():
    one, again, other = (
        refused(Faults(HEAPS, {"camera": 0.1}, seed)) for seed in (1, 1, 2)
    )
    assert one == again != other
    assert 50 < len(one) < 150


@pytest.mark.parametrize("fault", [0, -1, 1.5, -0.1, True, "3", float("nan")])
def test_what_is_neither_a_number_nor_a_share_is_refused(fault):
    with pytest.raises(ValueError, match=r"fail\['camera'\]"):
        Faults(HEAPS, {"camera": [fault]}, 1)


def test_a_heap_that_the_board_has_not_is_refused():
    with pytest.raises(ValueError, match="nonsense"):
        Faults(HEAPS, {"nonsense": 1}, 1)
