# SPDX-License-Identifier: MIT
"""Reading tool output line by line, so that every error names its line."""

from __future__ import annotations

import re
from pathlib import Path

from heapkit.errors import FormatError
from heapkit.units import KiB, MiB

# A dma-buf takes about 150 bytes of bufinfo and a machine has at most a few
# hundred thousand file descriptors open; tool output is far below this.
MAX_TEXT = 64 * MiB

# Lines of tool output are below 300 bytes; a bitmap is one long line and does
# not come this way.
MAX_LINE = 4 * KiB


def read_text(path: Path) -> str:
    """The whole of a text file; :class:`FormatError` if it is none.

    Not text is what is empty, holds a zero byte, is not UTF-8 or is larger than
    64 MiB. The size is found by reading, for files of debugfs and procfs say 0.
    """
    with path.open("rb") as file:
        raw = file.read(MAX_TEXT + 1)
    if len(raw) > MAX_TEXT:
        raise FormatError(f"larger than {MAX_TEXT // MiB} MiB of text", path=path)
    return decode(raw, path=path)


def decode(raw: bytes, *, path: object = None) -> str:
    """``raw`` as text, or a :class:`FormatError` that names the first bad line."""
    zero = raw.find(b"\0")
    if zero >= 0:
        raise _not_text("binary, not text", raw, zero, path)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_text("not UTF-8 text", raw, error.start, path) from None
    if not text.strip():
        raise FormatError("the file is empty", path=path, line=1)
    return text


def _not_text(message: str, raw: bytes, at: int, path: object) -> FormatError:
    start = raw.rfind(b"\n", 0, at) + 1
    shown = raw[start : start + 40].split(b"\n")[0].decode("latin-1")
    line = raw.count(b"\n", 0, at) + 1
    return FormatError(f"{message} (byte {at})", path=path, line=line, text=shown)


class Lines:
    """A cursor over the lines of a text. ``number`` is of the line last taken."""

    def __init__(self, text: str, *, path: object = None) -> None:
        # Not str.splitlines(), which also breaks at form feeds and the like.
        self._lines = [line.removesuffix("\r") for line in text.split("\n")]
        self.path = path
        self.number = 0

    def peek(self) -> str | None:
        """The next line, or None at the end."""
        if self.number >= len(self._lines):
            return None
        return self._lines[self.number]

    def take(self) -> str:
        """The next line; a :class:`FormatError` at the end."""
        line = self.peek()
        if line is None:
            raise FormatError(
                "cut off", path=self.path, line=len(self._lines), text=self._lines[-1]
            )
        self.number += 1
        if len(line) > MAX_LINE:
            raise self.error(f"a line of {len(line)} characters")
        return line

    def skip_blank(self) -> str | None:
        """Pass over blank lines; the line after them, or None at the end."""
        while (line := self.peek()) is not None and not line.strip():
            self.number += 1
        return line

    def expect(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        """Take a line that is ``pattern`` from end to end; ``what`` names it if not."""
        match = pattern.fullmatch(self.take())
        if match is None:
            raise self.error(f"expected {what}")
        return match

    def error(self, message: str, *, line: int | None = None) -> FormatError:
        """A :class:`FormatError` at ``line``, by default the one last taken."""
        number = self.number if line is None else line
        text = self._lines[number - 1]
        return FormatError(message, path=self.path, line=number, text=text)
