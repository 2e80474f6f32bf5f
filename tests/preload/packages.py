# SPDX-License-Identifier: MIT
"""Clients of DMA-BUF heaps from PyPI, fetched once and kept in the user's cache.

Only the package itself is taken, not what it depends on: the cameras and displays of
the machines they are written for are not here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path


class NotFetched(RuntimeError):
    """pip could not deliver a package."""


def unpacked(*requirements: str) -> Path:
    """The files of these wheels in one directory, such as sys.path takes."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = Path(base) / "heapkit" / "clients" / "-".join(sorted(requirements))
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            _fetch(requirements, Path(scratch)).replace(kept)
    return kept


def _fetch(requirements: tuple[str, ...], scratch: Path) -> Path:
    fetch = ("download", "--quiet", "--no-deps", "--only-binary=:all:")
    command = [sys.executable, "-m", "pip", *fetch, "-d", str(scratch), *requirements]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=300
        )
    except subprocess.TimeoutExpired as error:
        raise NotFetched(str(error)) from error
    if done.returncode:
        raise NotFetched(done.stderr.strip().splitlines()[-1])
    for wheel in scratch.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(scratch / "site")
    return scratch / "site"
