# SPDX-License-Identifier: MIT
"""The kernel's own test of its heaps, built from Debian's source of the kernel.

It is GPL-2.0: it is fetched and compiled where it is run, and kept in the user's
cache, never here. The kernel's Makefile links it statically; here it is not, for
nothing can be loaded into a program without a loader.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.live.debian import ask, candidate, unpacked, with_index

PACKAGE = "linux-source-6.12"
TEST = "tools/testing/selftests/dmabuf-heaps/dmabuf-heap.c"
HEADERS = (
    "tools/testing/selftests/kselftest.h",
    "include/uapi/drm/drm.h",
    "include/uapi/drm/drm_mode.h",
    "include/uapi/linux/dma-buf.h",
    "include/uapi/linux/dma-heap.h",
)


class Totals(NamedTuple):
    """The last line of a kernel test's TAP."""

    passed: int
    failed: int
    skipped: int


def binary() -> Path:
    """The compiled test, kept by the version of its source; a RigError without apt."""
    version = with_index(lambda: candidate(PACKAGE))
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = Path(base) / "heapkit" / "kselftest" / f"dmabuf-heap-{version}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
            _build(Path(scratch)).replace(kept)
    return kept


def _build(scratch: Path) -> Path:
    (archive,) = unpacked(PACKAGE, scratch).glob("usr/src/linux-source-*.tar.xz")
    members = [f"{archive.name.removesuffix('.tar.xz')}/{m}" for m in (TEST, *HEADERS)]
    strip = "--strip-components=1"
    ask("tar", "-xJf", str(archive), strip, *members, cwd=scratch)
    shutil.rmtree(scratch / "tree")
    include = scratch / "include/uapi"
    # What "make headers" would take out.
    flags = ("-O2", "-D_GNU_SOURCE", "-D__user=", "-isystem", str(include))
    made = scratch / "dmabuf-heap"
    ask("cc", *flags, "-o", str(made), str(scratch / TEST))
    return made


def totals(tap: str) -> Totals:
    """What a test of the kernel says last."""
    found = re.search(r"^# Totals: (.+)$", tap, flags=re.MULTILINE)
    assert found, tap
    counts = dict(word.split(":") for word in found[1].split())
    return Totals(int(counts["pass"]), int(counts["fail"]), int(counts["skip"]))
