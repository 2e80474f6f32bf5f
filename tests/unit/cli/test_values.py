# SPDX-License-Identifier: MIT
"""Words of the command line as values."""

import pytest

from heapkit import MiB
from heapkit.cli import values


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("64MiB", 64 * MiB),
        ("10ms", 10_000_000),
        ("0x80000000", 0x8000_0000),
        ("1.5", 1.5),
        ("9,4,0", (9, 4, 0)),
        ("8,", (8,)),
        ("best", "best"),
        ("none", None),
        ("True", True),
    ],
)
def test_setting_is_what_the_board_takes(word, value):
    assert values.setting(f"camera.x={word}") == ("camera.x", value)


@pytest.mark.parametrize("text", ["camera.size", "=5", "camera.size="])
def test_setting_without_name_or_value_is_refused(text):
    with pytest.raises(ValueError, match="NAME=VALUE"):
        values.setting(text)


@pytest.mark.parametrize(
    ("text", "numbers"), [("1-3", (1, 2, 3)), ("4", (4,)), ("1,7", (1, 7))]
)
def test_seeds_are_a_range_or_a_list(text, numbers):
    assert values.seeds(text) == numbers


@pytest.mark.parametrize("text", ["", "1-", "-1", "a", "3-1", "1,,2", "0-99999999"])
def test_seeds_that_are_none_are_named(text):
    with pytest.raises(ValueError, match=f"^'{text}'"):
        values.seeds(text)
