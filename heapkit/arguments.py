# SPDX-License-Identifier: MIT
"""Checks of arguments: a :class:`ValueError` names owner, argument and value."""

from __future__ import annotations

import operator
from collections.abc import Sequence

import numpy as np

from heapkit._ffi import PAGE_SIZE
from heapkit.units import GiB

# The models keep metadata for every page, so a mistyped size must not get far.
MAX_BYTES = 1024 * GiB
# arm64 (ARMv8.2-LPA) and x86-64 address at most 52 bits of physical memory: no
# size or end of a region is beyond it.
MAX_ADDRESS = 1 << 52
U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1  # the widest argument of an ioctl
MAX_SHOWN = 200  # characters of a value in a message: a board's repr fills a page


def wrong(owner: str, argument: str, value: object, allowed: str) -> ValueError:
    """The error for ``argument`` of ``owner``, which is not what is ``allowed``."""
    shown = repr(value)
    if len(shown) > MAX_SHOWN:
        shown = f"{shown[:MAX_SHOWN]}…"
    return ValueError(f"{owner}: {argument}={shown}; allowed: {allowed}")


def integer(
    owner: str,
    argument: str,
    value: object,
    *,
    low: int = 0,
    high: int = MAX_BYTES,
    multiple: int = 1,
) -> int:
    """``value`` as an int in ``low … high``, a multiple of ``multiple``.

    Takes what Python itself takes as an index (numpy integers too), but no bool:
    ``size=True`` is a mistake, not one byte.
    """
    of = f" that is a multiple of {multiple}" if multiple > 1 else ""
    allowed = f"an integer{of}, {low} to {high}"
    if isinstance(value, (bool, np.bool_)):
        raise wrong(owner, argument, value, allowed)
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise wrong(owner, argument, value, allowed) from None
    if not low <= number <= high or number % multiple:
        raise wrong(owner, argument, value, allowed)
    return number


def size(owner: str, argument: str, value: object, *, multiple: int = PAGE_SIZE) -> int:
    """A size in bytes: at least one granule, whole granules, at most 1 TiB."""
    return integer(owner, argument, value, low=multiple, multiple=multiple)


def address(
    owner: str, argument: str, value: object, *, multiple: int = PAGE_SIZE
) -> int:
    """A physical address in bytes, aligned to ``multiple``."""
    high = MAX_ADDRESS - multiple
    return integer(owner, argument, value, high=high, multiple=multiple)


def power_of_two(owner: str, argument: str, value: object, *, low: int) -> int:
    """A power of two from ``low`` to 1 TiB."""
    number = integer(owner, argument, value, low=low)
    if number & (number - 1):
        raise wrong(owner, argument, value, f"a power of two, at least {low}")
    return number


def boolean(owner: str, argument: str, value: object) -> bool:
    """True or False, and nothing that merely counts as one."""
    if not isinstance(value, (bool, np.bool_)):
        raise wrong(owner, argument, value, "True or False")
    return bool(value)


def choice(owner: str, argument: str, value: object, allowed: Sequence[str]) -> str:
    """One of the ``allowed`` words."""
    if not isinstance(value, str) or value not in allowed:
        raise wrong(owner, argument, value, ", ".join(map(repr, allowed)))
    return value


def file_name(owner: str, argument: str, value: object) -> str:
    """A name under /dev/dma_heap: no "/" in it, and no "|", which joins a chain."""
    bad = not isinstance(value, str) or value in ("", ".", "..")
    if bad or set("/|\0\n") & set(str(value)):
        raise wrong(owner, argument, value, 'a non-empty name without "/" and "|"')
    return str(value)
