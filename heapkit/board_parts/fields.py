# SPDX-License-Identifier: MIT
"""What the parts of a board have in common: how their fields are checked."""

from __future__ import annotations

from typing import Any

from heapkit import arguments as check
from heapkit._ffi import MAX_CMA_RANGES, MAX_ORDERS, MAX_PAGE_ORDER

# lib/genalloc.c: gen_pool_first_fit, _best_fit, _first_fit_align and
# _first_fit_order_align.
FITS = ("first", "best", "first-align", "order-align")
# drivers/dma-buf/heaps/system_heap.c: 1 MiB for IOMMU sections, 64 KiB for its
# large pages, 4 KiB for the rest.
MAINLINE_ORDERS = (8, 4, 0)


def set_fields(part: object, **values: Any) -> None:
    """Fields of a frozen part, while it is made."""
    for name, value in values.items():
        object.__setattr__(part, name, value)


def set_booleans(part: object, owner: str, *names: str) -> None:
    """Those fields must be True or False."""
    for name in names:
        set_fields(part, **{name: check.boolean(owner, name, getattr(part, name))})


def share(owner: str, argument: str, value: object) -> float:
    """A part of a whole, 0 to 1."""
    allowed = "a number from 0 to 1"
    if isinstance(value, bool):
        raise check.wrong(owner, argument, value, allowed)
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        raise check.wrong(owner, argument, value, allowed) from None
    if not 0 <= number <= 1:
        raise check.wrong(owner, argument, value, allowed)
    return number


def orders_of(owner: str, value: object) -> tuple[int, ...]:
    """Descending orders, the last 0."""
    allowed = f"1 to {MAX_ORDERS} descending orders, {MAX_PAGE_ORDER} to 0, the last 0"
    if not isinstance(value, (tuple, list)) or not 1 <= len(value) <= MAX_ORDERS:
        raise check.wrong(owner, "orders", value, allowed)
    high = MAX_PAGE_ORDER
    orders = tuple(check.integer(owner, "orders", o, high=high) for o in value)
    if orders[-1] != 0 or list(orders) != sorted(set(orders), reverse=True):
        raise check.wrong(owner, "orders", value, allowed)
    return orders


def optional_base(owner: str, base: object, *, multiple: int) -> int | None:
    """An address, or None: to be chosen."""
    if base is None:
        return None
    return check.address(owner, "base", base, multiple=multiple)


def ranges(owner: str, value: object, *, multiple: int) -> tuple[tuple[int, int], ...]:
    """Pairs of base and size."""
    allowed = f"1 to {MAX_CMA_RANGES} pairs (base, size)"
    if not isinstance(value, (tuple, list)) or len(value) > MAX_CMA_RANGES:
        raise check.wrong(owner, "ranges", value, allowed)
    pairs = []
    for index, pair in enumerate(value):
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise check.wrong(owner, "ranges", value, allowed)
        base = check.address(owner, f"ranges[{index}] base", pair[0], multiple=multiple)
        size = check.size(owner, f"ranges[{index}] size", pair[1], multiple=multiple)
        pairs.append((base, size))
    return tuple(pairs)
