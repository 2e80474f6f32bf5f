# SPDX-License-Identifier: MIT
"""Sizes and times as text, and back."""

import pytest

from heapkit import units
from heapkit.units import MS, GiB, KiB, MiB


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4096", 4096),
        ("12B", 12),
        ("64KiB", 64 * KiB),
        ("1.5 MiB", 3 * MiB // 2),
        ("2GiB", 2 * GiB),
        ("0.25KiB", 256),
    ],
)
def test_size_is_read_exactly(text, size):
    assert units.parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "64MB", "64mib", "-1", "0.3KiB", "1.5", "MiB"])
def test_size_that_is_none_is_named(text):
    with pytest.raises(ValueError, match=f"^'{text}' is not a size"):
        units.parse_bytes(text)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("7ns", 7),
        ("1.5us", 1500),
        ("1.5 µs", 1500),
        ("10ms", 10 * MS),
        ("2s", 2 * 10**9),
    ],
)
def test_time_is_read_in_nanoseconds(text, time):
    assert units.parse_ns(text) == time


@pytest.mark.parametrize("text", ["5", "0.5ns", "1 minute", "1e3ns"])
def test_time_that_is_none_is_named(text):
    with pytest.raises(ValueError, match=f"^'{text}' is not a time"):
        units.parse_ns(text)


@pytest.mark.parametrize("size", [1, 4 * KiB, 3 * MiB // 2, 8 * GiB])
def test_size_that_was_written_can_be_read(size):
    assert units.parse_bytes(units.format_bytes(size)) == size


@pytest.mark.parametrize(
    ("ns", "text"),
    [(1500, "1.5 µs"), (999 * 10**9, "999 s"), (1_123_480_521_400, "1123 s")],
)
def test_time_is_written_without_an_exponent(ns, text):
    assert units.format_ns(ns) == text
