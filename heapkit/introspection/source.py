# SPDX-License-Identifier: MIT
"""One source: whether it was read and, if not, what would be gained and how."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from heapkit.errors import FormatError
from heapkit.introspection.processes import missed
from heapkit.introspection.tree import Root, Tree

DEBUGFS = "/sys/kernel/debug"
MOUNT_DEBUGFS = f"sudo mount -t debugfs none {DEBUGFS}"
AS_ROOT = "sudo heapkit introspect"
# What root lacks in a container.
AS_TRACER = "CAP_SYS_PTRACE over the user namespaces of those processes"
# In a capture, beside proc and sys: why a source is not in it.
NOTE = "capture.json"

READ, ABSENT, DENIED, MALFORMED = "read", "absent", "denied", "malformed"


class Reader(Protocol):
    """A module of this package is one."""

    name: str
    path: str
    gives: str
    needs: str

    def read(self, root: Root = "/") -> Any:
        """What it says; ``OSError`` or FormatError if it cannot be had."""


@dataclass(frozen=True, slots=True)
class Source:
    """A source's name and path, what it gives, and its ``status``.

    That is "read", "absent", "denied" or "malformed". ``why`` says in a sentence
    what was not read, and ``remedy`` is the one command or kernel option that
    would change it; both are empty where all was read.
    """

    name: str
    path: str
    gives: str
    status: str = READ
    why: str = ""
    remedy: str = ""


def ask(reader: Reader, tree: Tree, *, strict: bool) -> tuple[Any, Source]:
    """What a source says, None if nothing, and how it was with it.

    :class:`FormatError` if it is malformed and ``strict``.
    """
    try:
        reading = reader.read(tree)
        return reading, _read(reader, reading)
    except PermissionError as error:
        return None, _denied(reader, error)
    except OSError as error:
        return None, _absent(reader, tree, error)
    except FormatError as error:
        if strict:
            raise
        return None, _source(reader, MALFORMED, str(error), "report it to heapkit")


def _source(reader: Reader, status: str, why: str = "", remedy: str = "") -> Source:
    return Source(reader.name, reader.path, reader.gives, status, why, remedy)


def _read(reader: Reader, reading: Any) -> Source:
    """Of processes, it may be that some were not readable."""
    why = missed(reading.walked) if hasattr(reading, "walked") else ""
    remedy = AS_TRACER if os.geteuid() == 0 else AS_ROOT
    return _source(reader, READ, why, remedy if why else "")


def _denied(reader: Reader, error: PermissionError) -> Source:
    why = f"{error.strerror}: only root may read it"
    return _source(reader, DENIED, why, AS_ROOT)


def _absent(reader: Reader, tree: Tree, error: OSError) -> Source:
    if reader.path.startswith(DEBUGFS) and not _lists(tree, DEBUGFS):
        return _source(reader, ABSENT, "debugfs is not mounted", MOUNT_DEBUGFS)
    why = f"{error.strerror}: {reader.path}"
    return _source(reader, ABSENT, why, reader.needs)


def _lists(tree: Tree, directory: str) -> bool:
    try:
        return bool(tree.entries(directory.removeprefix("/")))
    except OSError:
        return False


def write_note(sources: tuple[Source, ...], directory: Path) -> None:
    """Say in a capture why a source is not in it."""
    missing = {s.name: asdict(s) for s in sources if s.why}
    text = json.dumps({"missing": missing}, indent=1)
    (directory / NOTE).write_text(f"{text}\n", encoding="utf-8")


def noted(tree: Tree) -> dict[str, Source]:
    """What a capture says of sources that are not in it, or not wholly."""
    if tree.is_here:
        return {}
    try:
        text = tree.decode(NOTE, tree.peek(NOTE))
    except OSError:
        return {}
    try:
        missing = json.loads(text)["missing"]
        return {name: Source(**fields) for name, fields in missing.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        message = f"no note of a capture ({error})"
        raise FormatError(message, path=tree.path(NOTE), line=1, text=text) from None
