# SPDX-License-Identifier: MIT
"""Output of other tools, read into heapkit's own words.

Each format is one module of this package that satisfies :class:`Importer`, and
one entry of the table below. A file is recognised by what it holds, never by
what it is called.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

from heapkit.errors import FormatError
from heapkit.importers import (
    bufinfo,
    cma_bitmap,
    cma_trace,
    parquet_trace,
    rk_dma_heap_alloc_map,
    rk_dma_heap_info,
)
from heapkit.snapshot import Observation, Snapshot
from heapkit.trace import Trace
from heapkit.units import KiB

__all__ = ["Importer", "Reading", "formats", "read"]

# What a file can become: requests over time, a layout, or a list of buffers.
Reading = Trace | Snapshot | Observation

# Enough for the first lines of any text, and for the keys of a JSON object.
_HEAD = 64 * KiB


class Importer(Protocol):
    """One format. A module with these four names is one."""

    @property
    def name(self) -> str:
        """The word for ``read(path, format=…)``."""

    @property
    def title(self) -> str:
        """One line: what it reads and what that becomes."""

    def recognise(self, head: bytes) -> bool:
        """Whether a file that begins so is of this format; never raises."""

    def read(self, path: Path) -> Reading:
        """The whole file, or :class:`heapkit.FormatError` and nothing."""


_IMPORTERS: tuple[Importer, ...] = (
    rk_dma_heap_alloc_map,
    rk_dma_heap_info,
    bufinfo,
    cma_bitmap,
    cma_trace,
    parquet_trace,
)


def formats() -> dict[str, str]:
    """Every format: its name and one line on what it is and becomes."""
    return {importer.name: importer.title for importer in _IMPORTERS}


def read(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,  # noqa: A002, the word that every reader uses
) -> Reading:
    """Any known tool output: a Trace, a Snapshot or an Observation.

    The format is recognised by content unless ``format`` names one of
    :func:`formats`. :class:`heapkit.FormatError`, with path, line and the
    offending text, for a file that is no known format or not a whole one;
    ``OSError`` as usual for one that cannot be opened; ValueError for an unknown
    ``format``.
    """
    file = Path(path)
    if format is not None:
        return _named(format).read(file)
    with file.open("rb") as stream:
        head = stream.read(_HEAD)
    for importer in _IMPORTERS:
        if importer.recognise(head):
            return importer.read(file)
    raise _unknown(file, head)


def _named(name: str) -> Importer:
    for importer in _IMPORTERS:
        if importer.name == name:
            return importer
    known = ", ".join(formats())
    raise ValueError(f"format: {name!r} is not one of {known}")


def _unknown(path: Path, head: bytes) -> FormatError:
    if not head.strip():
        return FormatError("the file is empty", path=path, line=1)
    # Bytes, not text: str.strip() also takes separators that bytes.strip() leaves.
    lines = head.split(b"\n")
    number = next(n for n, line in enumerate(lines, 1) if line.strip())
    return FormatError(
        f"no known format; tried {', '.join(formats())}",
        path=path,
        line=number,
        text=lines[number - 1].decode("latin-1"),
    )
