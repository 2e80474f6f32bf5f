# SPDX-License-Identifier: MIT
"""The data files that come with heapkit: real tool output and traces."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_DESCRIPTION = "README.md"
# A capture is a directory, captures/NAME/MOMENT, with a machine's proc and sys.
_CAPTURES = "captures"
_CAPTURE_DEPTH = 3


def sample(name: str) -> Path:
    """The path of a shipped data file, or the directory of a shipped capture.

    ``name`` is one of :func:`samples`, or the file's own name where only one
    file has it, with or without its suffix. ValueError lists what there is.
    """
    names = samples()
    matches = [name] if name in names else [n for n in names if _is_named(n, name)]
    if len(matches) == 1:
        return _root() / matches[0]
    why = "names several files" if matches else "is not a shipped file"
    raise ValueError(f"name: {name!r} {why}: {', '.join(matches or names)}")


def samples() -> tuple[str, ...]:
    """Every shipped data file and capture, as a path below the data directory."""
    root = _root()
    files = (path for path in root.rglob("*") if path.is_file())
    names = (
        _sample_of(path.relative_to(root).as_posix())
        for path in files
        if path.suffix != ".md" and not path.name.startswith(".")
    )
    return tuple(sorted({name for name in names if name}))


def _sample_of(path: str) -> str:
    """The file itself, the capture that it is in, or "" for a capture's checksums."""
    parts = path.split("/")
    if parts[0] != _CAPTURES:
        return path
    return "/".join(parts[:_CAPTURE_DEPTH]) if len(parts) > _CAPTURE_DEPTH else ""


def _is_named(path: str, name: str) -> bool:
    own = path.rsplit("/", 1)[-1]
    return name in (own, own.rsplit(".", 1)[0])


@cache
def _root() -> Path:
    """The data beside the package in a wheel, else that of the repository."""
    package = Path(__file__).parent
    for root in (package / "_data", package.parent / "data"):
        if (root / _DESCRIPTION).is_file():
            return root
    raise FileNotFoundError(f"no data files at {package / '_data'}: not installed?")
