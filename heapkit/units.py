# SPDX-License-Identifier: MIT
"""Sizes are bytes, times are integer nanoseconds; these names write them."""

import re
from collections.abc import Mapping

KiB = 1024
MiB = 1024 * KiB
GiB = 1024 * MiB

US = 1_000
MS = 1_000_000
S = 1_000_000_000

_AMOUNT = re.compile(r"([0-9]+)(?:\.([0-9]+))? ?([A-Za-zµ]*)")
_SIZES = {"": 1, "B": 1, "KiB": KiB, "MiB": MiB, "GiB": GiB}
_TIMES = {"ns": 1, "us": US, "µs": US, "ms": MS, "s": S}


def format_bytes(size: int) -> str:
    """``8388608`` as ``8 MiB``; at most two decimals, exact where it can be."""
    for unit, name in ((GiB, "GiB"), (MiB, "MiB"), (KiB, "KiB")):
        if abs(size) >= unit:
            return f"{size / unit:.2f}".rstrip("0").rstrip(".") + f" {name}"
    return f"{size} B"


def format_ns(ns: float) -> str:
    """``1500`` as ``1.5 µs``; three significant digits, and whole seconds."""
    if abs(ns) >= 1000 * S:
        return f"{ns / S:.0f} s"
    for unit, name in ((S, "s"), (MS, "ms"), (US, "µs")):
        if abs(ns) >= unit:
            return f"{ns / unit:.3g} {name}"
    return f"{ns:.3g} ns"


def parse_bytes(text: str) -> int:
    """``"1.5 MiB"`` as ``1572864``; a plain number is bytes. ValueError names it."""
    return _whole(text, _SIZES, "a size in whole bytes, such as 4096, 64KiB or 1.5GiB")


def parse_ns(text: str) -> int:
    """``"1.5ms"`` as ``1500000``; the unit has to be given. ValueError names it."""
    return _whole(text, _TIMES, "a time in whole ns, such as 800ns, 1.5us, 10ms or 2s")


def _whole(text: str, units: Mapping[str, int], allowed: str) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[3] not in units:
        raise ValueError(f"{text!r} is not {allowed}")
    decimals = match[2] or ""
    scale: int = 10 ** len(decimals)
    amount, rest = divmod(int(match[1] + decimals) * units[match[3]], scale)
    if rest:
        raise ValueError(f"{text!r} is not {allowed}")
    return amount
