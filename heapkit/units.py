# SPDX-License-Identifier: MIT
"""Sizes are bytes, times are integer nanoseconds; these names write them."""

KiB = 1024
MiB = 1024 * KiB
GiB = 1024 * MiB

US = 1_000
MS = 1_000_000
S = 1_000_000_000


def format_bytes(size: int) -> str:
    """``8388608`` as ``8 MiB``; at most two decimals, exact where it can be."""
    for unit, name in ((GiB, "GiB"), (MiB, "MiB"), (KiB, "KiB")):
        if abs(size) >= unit:
            return f"{size / unit:.2f}".rstrip("0").rstrip(".") + f" {name}"
    return f"{size} B"


def format_ns(ns: float) -> str:
    """``1500`` as ``1.5 µs``; three significant digits."""
    for unit, name in ((S, "s"), (MS, "ms"), (US, "µs")):
        if abs(ns) >= unit:
            return f"{ns / unit:.3g} {name}"
    return f"{ns:.3g} ns"
