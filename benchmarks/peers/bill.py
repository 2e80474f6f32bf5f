# SPDX-License-Identifier: MIT
"""What an event costs: how often each constant is due, priced at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TypeAlias

Bill: TypeAlias = defaultdict[str, int]
Costs: TypeAlias = Mapping[str, float]


def empty_bill() -> Bill:
    """Nothing is due."""
    return defaultdict(int)


def price(bill: Bill, costs: Costs) -> int:
    """Whole nanoseconds."""
    return int(sum(costs[name] * count for name, count in bill.items()) + 0.5)
