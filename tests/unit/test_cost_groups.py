# SPDX-License-Identifier: MIT
"""Each constant that can be charged is paid for one part of a latency."""

import pytest

from heapkit._ffi import PRICE_NAMES
from heapkit.cost_groups import GROUP_OF, GROUPS, by_group, largest


def test_each_constant_is_in_exactly_one_group():
    names = [name for group in GROUPS.values() for name in group]
    assert sorted(names) == sorted(PRICE_NAMES)
    assert len(names) == len(set(names))


def test_the_group_of_a_constant_lists_it():
    assert all(name in GROUPS[group] for name, group in GROUP_OF.items())


def test_constants_of_a_group_add_up_and_groups_without_any_are_left_out():
    ns = {"zero_page": 5.0, "zero_page_1m": 7.0, "free_call": 1.0}
    assert by_group(ns) == {"calls": 1.0, "zeroing": 12.0}


@pytest.mark.parametrize(
    ("count", "names"), [(0, []), (1, ["zeroing"]), (9, ["zeroing", "calls"])]
)
def test_the_largest_parts_come_first_and_cost_something(count, names):
    ns = {"zero_page": 5.0, "free_call": 1.0, "pool_block": 0.0}
    assert [name for name, _ in largest(ns, count)] == names
