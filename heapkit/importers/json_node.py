# SPDX-License-Identifier: MIT
"""JSON with its place in hand, so that every error says where it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from heapkit.errors import FormatError


@dataclass(frozen=True, slots=True)
class Node:
    """A value inside a JSON file. ``line`` is known where the file has only one."""

    value: object
    place: str = ""
    path: object = None
    line: int = 0

    def error(self, message: str) -> FormatError:
        """A :class:`FormatError` that names this place and shows the value."""
        where = self.place or "the top level"
        return FormatError(
            f"{where}: {message}",
            path=self.path,
            line=self.line,
            text=_shown(self.value),
        )

    def __getitem__(self, key: str) -> Node:
        if not isinstance(self.value, dict):
            raise self.error("expected an object")
        if key not in self.value:
            raise self.error(f"there is no {key!r}")
        return self._inner(self.value[key], f"{self.place}.{key}".lstrip("."))

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def __iter__(self) -> Iterator[Node]:
        if not isinstance(self.value, list):
            raise self.error("expected an array")
        for index, item in enumerate(self.value):
            yield self._inner(item, f"{self.place}[{index}]")

    def integer(self, low: int, high: int) -> int:
        """The value as a whole number within ``low`` … ``high``."""
        value = self.value
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.error("expected a whole number")
        if not low <= value <= high:
            raise self.error(f"expected {low} to {high}")
        return value

    def text(self) -> str:
        """The value as a string."""
        if not isinstance(self.value, str) or not self.value.isprintable():
            raise self.error("expected a string that can be printed")
        return self.value

    def _inner(self, value: object, place: str) -> Node:
        return Node(value, place, self.path, self.line)


def _shown(value: object) -> str:
    """A value in a few words: containers may be as large as the file."""
    if isinstance(value, dict):
        return "{" + ", ".join(str(key)[:40] for key in list(value)[:8]) + "}"
    if isinstance(value, list) and len(value) > 4:
        return f"[{len(value)} items]"
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value[:4]) + "]"
    return json.dumps(value)


def parse_json(text: str, *, path: object = None) -> Node:
    """The top of a JSON text, or a :class:`FormatError` at the line of the fault."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        shown = error.doc[max(0, error.pos - 20) : error.pos + 20]
        message = f"not JSON: {error.msg} (column {error.colno})"
        raise FormatError(message, path=path, line=error.lineno, text=shown) from None
    except (ValueError, RecursionError) as error:
        # A number of thousands of digits, or brackets nested as deep.
        message = f"not JSON that can be read: {error}"
        raise FormatError(message, path=path, line=1, text=text[:40]) from None
    return Node(value, path=path, line=1 if text.strip().count("\n") == 0 else 0)
