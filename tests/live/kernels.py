# SPDX-License-Identifier: MIT
"""The two kernels of the rig, kept in the user's cache by what they are made from.

``stock`` is Debian's own for clouds: nothing to build, no CMA heap. ``cma`` is built
from Debian's source with ``cma.config`` (kernel_build.py): it has the rest. See
docs/decisions/0030 and 0090.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from tests.live.debian import RigError, candidate, stands_for, unpacked, with_index

CONFIG = Path(__file__).with_name("cma.config")
# Debian 12 (security) and 13. Each stands for the kernel of today.
STOCK_PACKAGES = ("linux-image-6.12-cloud-amd64", "linux-image-cloud-amd64")
SOURCE_PACKAGE = "linux-source-6.12"
OLDEST = (6, 12)  # Debian's older kernels have no heaps
CHOSEN = {"stock": "HEAPKIT_KERNEL", "cma": "HEAPKIT_KERNEL_CMA"}
NAMES = tuple(CHOSEN)


def image(name: str) -> Path:
    """The file to boot; a RigError in one sentence where there is none."""
    if chosen := os.environ.get(CHOSEN[name]):
        return Path(chosen)
    return {"stock": stock, "cma": built}[name]()


def cache() -> Path:
    """Where kernels are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "heapkit" / "kernels"
    path.mkdir(parents=True, exist_ok=True)
    return path


def stock() -> Path:
    """Debian's 6.12 cloud kernel, downloaded once (34 MB).

    Everything the guest needs to reach its root is built into it, so there is no
    initramfs.
    """
    return with_index(_stock)


def _stock() -> Path:
    package = stands_for(STOCK_PACKAGES, OLDEST)
    kept = cache() / f"{package}.bzImage"
    if not kept.exists():
        _download(package, kept)
    return kept


def _download(package: str, kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        tree = unpacked(package, Path(scratch))
        images = list(tree.glob("boot/vmlinuz-*"))
        if len(images) != 1 or images[0].stat().st_size == 0:
            raise RigError(f"{package} holds no kernel image")
        images[0].replace(kept)


def built() -> Path:
    """The kernel with a CMA heap, if this machine has built it."""
    kept = own()
    if kept.exists():
        return kept
    others = len(list(cache().glob("linux-cma-*.vmlinux")))
    older = f" ({others} of another source or configuration)" if others else ""
    raise RigError(f"no kernel with a CMA heap is cached{older}: make live builds it")


def own() -> Path:
    """Where the kernel of today's source and configuration is kept."""
    version = with_index(lambda: candidate(SOURCE_PACKAGE))
    return cache() / f"linux-cma-{key(version, CONFIG.read_bytes())}.vmlinux"


def key(version: str, config: bytes) -> str:
    """What a built kernel depends on."""
    return f"{version}-{hashlib.sha256(config).hexdigest()[:16]}"
