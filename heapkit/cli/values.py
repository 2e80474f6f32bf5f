# SPDX-License-Identifier: MIT
"""Words of the command line as values; a ValueError names the word."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

from heapkit.units import parse_bytes, parse_ns

# A mistyped step must not fill the memory.
MOST_CHOICES = 10_000

_WORDS = {"none": None, "true": True, "false": False}


def setting(text: str) -> tuple[str, Any]:
    """``"camera.size=64MiB"`` as ``("camera.size", 67108864)``."""
    name, word = _assignment(text)
    return name, value(word)


def value(word: str) -> Any:
    """What ``Board.replace`` takes: a size, a time in ns, a number, a word.

    ``"9,4,0"`` is a tuple, ``none``, ``true`` and ``false`` are Python's.
    """
    if word.lower() in _WORDS:
        return _WORDS[word.lower()]
    if not word[:1].isdecimal():
        return word  # such as "best": the board knows what is allowed
    if "," in word:
        return tuple(value(part) for part in word.split(",") if part)
    for parse in (parse_bytes, parse_ns, _hexadecimal, float):
        try:
            return parse(word)
        except ValueError:
            continue
    raise ValueError(f"{word!r} is no number, size (64MiB) or time (10ms)")


def choices(text: str) -> tuple[str, list[Any] | EllipsisType]:
    """``"camera.size=64MiB:512MiB:16MiB"`` as its name and the values to try.

    Also ``NAME=A,B,C`` and, for a range around the board's own, ``NAME=...``.
    """
    name, word = _assignment(text)
    if word in ("...", "…"):
        return name, ...
    if ":" in word:
        return name, _range(word)
    return name, [value(part) for part in word.split(",")]


def seeds(text: str) -> tuple[int, ...]:
    """``"1-5"`` as ``(1, 2, 3, 4, 5)``, ``"1,7"`` as ``(1, 7)``."""
    low, dash, high = text.partition("-")
    parts = (low, high) if dash else text.split(",")
    if not all(part.isdecimal() for part in parts):
        raise ValueError(f"{text!r} is no list of seeds, such as 1-5 or 1,2,7")
    numbers = tuple(map(int, parts))
    if not dash:
        return numbers
    _check_count(text, numbers[1] - numbers[0] + 1)
    return tuple(range(numbers[0], numbers[1] + 1))


def _assignment(text: str) -> tuple[str, str]:
    name, equals, word = text.partition("=")
    if not name or not equals or not word:
        raise ValueError(f"{text!r} is not NAME=VALUE, such as camera.size=64MiB")
    return name, word


def _range(word: str) -> list[int]:
    """``start:stop:step`` with both ends in it."""
    parts = word.split(":")
    if len(parts) != 3:
        raise ValueError(f"{word!r} is not START:STOP:STEP, such as 64MiB:512MiB:16MiB")
    start, stop, step = map(parse_bytes, parts)
    if not step:
        raise ValueError(f"{word!r}: the step must be more than 0")
    _check_count(word, (stop - start) // step + 1)
    return list(range(start, stop + 1, step))


def _check_count(text: str, count: int) -> None:
    if not 1 <= count <= MOST_CHOICES:
        raise ValueError(f"{text!r} gives {count} values; allowed: 1 to {MOST_CHOICES}")


def _hexadecimal(word: str) -> int:
    if not word.startswith("0x"):
        raise ValueError(f"{word!r} is no hexadecimal number")
    return int(word, 16)
