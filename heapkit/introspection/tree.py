# SPDX-License-Identifier: MIT
"""A machine's /proc and /sys: of this machine, or of a captured one below a root."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from heapkit.errors import FormatError
from heapkit.importers.text import MAX_TEXT
from heapkit.units import MiB

_NUMBER = re.compile(r"\s*(\d{1,20})\s*", re.ASCII)
_CHUNK = 1 * MiB


class Tree:
    """The files below ``root`` by their names on the machine, without the slash.

    What was read is remembered, so that :meth:`write` can write a tree that
    reads the same elsewhere.
    """

    def __init__(self, root: str | os.PathLike[str] = "/") -> None:
        self.root = Path(root)
        self._seen: dict[str, bytes] = {}

    @property
    def is_here(self) -> bool:
        """Whether it is the running machine's own."""
        return self.root == Path("/")

    def path(self, name: str) -> Path:
        """Where a file of the machine is on this one."""
        return self.root / name

    def entries(self, name: str) -> list[str]:
        """What a directory lists, in order; ``OSError`` if it may not be listed."""
        return sorted(entry.name for entry in self.path(name).iterdir())

    def raw(self, name: str) -> bytes:
        """The bytes of a file, remembered. A file that ends while it is read raises."""
        raw = self._read(name)
        self._seen[name] = raw
        return raw

    def text(self, name: str) -> str:
        """The text of a file, remembered: see :meth:`decode`."""
        return self.decode(name, self.raw(name))

    def decode(self, name: str, raw: bytes) -> str:
        r"""Bytes as text. Names may hold any byte: what is not UTF-8 becomes ``\xNN``.

        :class:`FormatError` for a zero byte, which no file of this kind has.
        """
        zero = raw.find(b"\0")
        if zero >= 0:
            line = raw.count(b"\n", 0, zero) + 1
            message = f"binary, not text (byte {zero})"
            raise FormatError(message, path=self.path(name), line=line)
        return raw.decode("utf-8", "backslashreplace")

    def number(self, name: str) -> int:
        """A file of one decimal number; FormatError if it is another text."""
        text = self.text(name)
        match = _NUMBER.fullmatch(text)
        if match is None:
            path = self.path(name)
            raise FormatError("expected one number", path=path, line=1, text=text)
        return int(match[1])

    def link(self, name: str) -> str | None:
        """Where a symbolic link points; None if there is none, as in a capture."""
        try:
            return str(self.path(name).readlink())
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError):
            return None

    def peek(self, name: str) -> bytes:
        """The bytes of a file, not remembered: the reader keeps a part with keep()."""
        return self._read(name)

    def keep(self, name: str, raw: bytes) -> None:
        """Remember ``raw`` as the text of a file: the part of it that was used."""
        self._seen[name] = raw

    def write(self, directory: Path) -> list[str]:
        """Write what was read below ``directory``; the names, in order."""
        for name, raw in self._seen.items():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)
        return sorted(self._seen)

    def _read(self, name: str) -> bytes:
        path = self.path(name)
        # Files of /proc say that they have no size. A pipe in a captured tree must
        # not be waited for.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(fd, "rb", buffering=0) as file:
            raw = b"".join(_pieces(file.read))
        if len(raw) > MAX_TEXT:
            message = f"larger than {MAX_TEXT // MiB} MiB of text"
            raise FormatError(message, path=path)
        return raw


def _pieces(read: Callable[[int], bytes | None]) -> Iterator[bytes]:
    total = 0
    while total <= MAX_TEXT and (piece := read(_CHUNK)):
        total += len(piece)
        yield piece


def tree_of(root: Root) -> Tree:
    """``root`` itself if it is a tree, else the tree below that path."""
    return root if isinstance(root, Tree) else Tree(root)


# What the read() of every source takes.
Root = str | os.PathLike[str] | Tree
