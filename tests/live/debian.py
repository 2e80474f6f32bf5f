# SPDX-License-Identifier: MIT
"""What the rig asks of Debian's apt: which version there is, and its files."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

LOCK_SECONDS = 240  # another apt may be at work
DOWNLOAD_SECONDS = 600


class RigError(RuntimeError):
    """The guest could not be started."""


def ask(*command: str, cwd: Path | None = None, seconds: float = 300) -> str:
    """What ``command`` printed; a RigError with its own words if it failed."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RigError(f"{shlex.join(command)}: {error}") from error
    if done.returncode:
        raise RigError(f"{shlex.join(command)}: {done.stderr.strip()}")
    return done.stdout


def with_index(question: Callable[[], T]) -> T:
    """The answer; after ``apt-get update`` if there is none before it.

    A fresh machine has no index, an old one names versions that are gone.
    """
    try:
        return question()
    except RigError:
        ask("apt-get", "-qq", "-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}", "update")
        return question()


def stands_for(metapackages: Sequence[str], oldest: tuple[int, int]) -> str:
    """The kernel package that one of ``metapackages`` depends on."""
    for meta in metapackages:
        for name in _dependencies(meta):
            if version(name) >= oldest:
                return name
    raise RigError(
        f"apt knows none of {', '.join(metapackages)} with Linux "
        f"{'.'.join(map(str, oldest))} or later: put a bzImage into HEAPKIT_KERNEL"
    )


def _dependencies(package: str) -> list[str]:
    """The kernels it depends on; none where apt does not know it."""
    try:
        known = ask("apt-cache", "depends", package)
    except RigError:
        return []
    return re.findall(r"Depends: (linux-image-\S+)", known)


def version(package: str) -> tuple[int, ...]:
    """(6, 12) of ``linux-image-6.12.48+deb13-cloud-amd64``."""
    found = re.match(r"linux-image-(\d+)\.(\d+)", package)
    return tuple(map(int, found.groups())) if found else ()


def candidate(package: str) -> str:
    """The version that apt would install."""
    policy = ask("apt-cache", "policy", package)
    found = re.search(r"Candidate: (\S+)", policy)
    if found is None or found[1] == "(none)":
        raise RigError(f"apt knows no {package}: put a vmlinux into HEAPKIT_KERNEL_CMA")
    return found[1]


def unpacked(package: str, into: Path) -> Path:
    """The files of ``package``, downloaded and verified by apt, below ``into``."""
    ask("apt-get", "download", package, cwd=into, seconds=DOWNLOAD_SECONDS)
    (archive,) = into.glob("*.deb")
    ask("dpkg-deb", "--extract", archive.name, "tree", cwd=into)
    archive.unlink()
    return into / "tree"
