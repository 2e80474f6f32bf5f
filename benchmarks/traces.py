# SPDX-License-Identifier: MIT
"""The four traces; native/bench/trace.h says what is in them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A trace's name and its length."""

    name: str
    events: int


KINDS = (
    Kind("camera", 2_000_000),
    Kind("mixed", 4_000_000),
    Kind("small-churn", 8_000_000),
    Kind("near-full", 4_000_000),
)
