# SPDX-License-Identifier: MIT
"""A replay that was stopped, as a file from which it goes on.

A line that names the form, a line of JSON that says whose it is and how long its
sections are, the sections, and a digest of all that. It appears whole or not at
all. What it holds is of no use to another trace, board or version, which the
JSON line is compared for.
"""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit.errors import FormatError

MAGIC = b"heapkit.checkpoint 1\n"
_DIGEST = 32
_MAX_HEADER = 1 << 20


@dataclass(frozen=True)
class Checkpoint:
    """Who it belongs to, and the state by name; ``arrays`` are those of a tally."""

    owner: dict[str, Any]
    machine: bytes
    intake: bytes
    arrays: dict[str, bytes]

    def fill(self, arrays: Mapping[str, NDArray[Any]], path: object) -> None:
        """Write the saved arrays into ``arrays``, which have their sizes."""
        for name, array in arrays.items():
            array[...] = _unpacked(self.arrays.get(name, b""), array, path)


def write(
    path: str | os.PathLike[str],
    *,
    owner: Mapping[str, Any],
    machine: bytes,
    intake: bytes,
    arrays: Mapping[str, NDArray[Any]],
) -> None:
    """Write beside ``path`` and rename; ``OSError`` where that is not possible."""
    # Histograms are mostly empty: the fastest level makes little of them.
    packed = {name: zlib.compress(array.tobytes(), 1) for name, array in arrays.items()}
    sections = {"machine": machine, "intake": intake, **packed}
    header = {"owner": owner, "sections": {k: len(v) for k, v in sections.items()}}
    line = json.dumps(header).encode() + b"\n"
    content = b"".join([MAGIC, line, *sections.values()])
    target = Path(path)
    partial = _partial(target)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.write(hashlib.blake2b(content, digest_size=_DIGEST).digest())
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """``OSError`` if :func:`write` could not: better now than in an hour."""
    partial = _partial(Path(path))
    try:
        partial.touch()
    finally:
        partial.unlink(missing_ok=True)


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.partial")


def read(path: str | os.PathLike[str]) -> Checkpoint:
    """The checkpoint in ``path``; ``FormatError`` if it is none or is damaged."""
    content = Path(path).read_bytes()
    if not content.startswith(MAGIC):
        raise FormatError("no checkpoint of a replay", path=path)
    body, digest = content[:-_DIGEST], content[-_DIGEST:]
    if hashlib.blake2b(body, digest_size=_DIGEST).digest() != digest:
        raise FormatError("a damaged checkpoint", path=path)
    end = body.find(b"\n", len(MAGIC), len(MAGIC) + _MAX_HEADER)
    try:
        header = json.loads(body[len(MAGIC) : end])
        sections = _sections(header["sections"], body[end + 1 :])
        owner = dict(header["owner"])
        machine, intake = sections.pop("machine"), sections.pop("intake")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FormatError("a checkpoint of another version", path=path) from None
    return Checkpoint(owner, machine, intake, sections)


def _sections(lengths: dict[str, int], content: bytes) -> dict[str, bytes]:
    sections, at = {}, 0
    for name, length in lengths.items():
        sections[name] = content[at : at + int(length)]
        at += int(length)
    if at != len(content):
        raise ValueError("sections")
    return sections


def _unpacked(packed: bytes, like: NDArray[Any], path: object) -> NDArray[Any]:
    unpacker = zlib.decompressobj()
    try:
        # One byte more than there may be: nothing grows beyond what it is for.
        content = unpacker.decompress(packed, like.nbytes + 1)
    except zlib.error:
        content = b""
    if len(content) != like.nbytes:
        raise FormatError("a checkpoint of another version", path=path)
    return np.frombuffer(content, like.dtype).reshape(like.shape)
