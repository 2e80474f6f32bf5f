# SPDX-License-Identifier: MIT
"""Why a directory of heaps cannot be used, in one sentence that says what to do."""

from __future__ import annotations

import grp
import os
import pwd
import sys
from pathlib import Path


def nodes(directory: Path) -> list[Path]:
    """The device nodes. Listing them is the only enumeration the kernel offers."""
    return sorted(directory.iterdir())


def missing_in(directory: Path) -> str | None:
    """What is missing for ``directory`` to be of use; None if nothing is."""
    if sys.platform != "linux":
        return f"DMA-BUF heaps exist on Linux only, and this is {sys.platform}."
    if not directory.is_dir():
        return (
            f"There is no {directory}: Linux {os.uname().release} runs here without "
            "CONFIG_DMABUF_HEAPS (in Linux since 5.6; Debian's 6.12 kernel has it), "
            "or this is a container that was not given the directory."
        )
    found = nodes(directory)
    if not found:
        return (
            f"{directory} is empty: the kernel has DMA-BUF heaps but none is "
            "configured; CONFIG_DMABUF_HEAPS_SYSTEM gives one, and so does "
            "CONFIG_DMABUF_HEAPS_CMA with a CMA area."
        )
    if not any(os.access(node, os.R_OK) for node in found):
        return _denied(found[0], 'SUBSYSTEM=="dma_heap"')
    return None


def missing_udmabuf(node: Path) -> str | None:
    """What is missing for the device of memfd buffers; None if nothing is."""
    if sys.platform != "linux":
        return f"udmabuf exists on Linux only, and this is {sys.platform}."
    if not node.exists():
        return (
            f"There is no {node}: Linux {os.uname().release} runs here without "
            "CONFIG_UDMABUF (in Linux since 4.20; Debian's 6.12 kernel has it), "
            "or this is a container that was not given the device."
        )
    if not os.access(node, os.R_OK):
        return _denied(node, 'KERNEL=="udmabuf"')
    return None


def _denied(node: Path, which: str) -> str:
    """Who may open ``node``; the kernel makes it root's, mode 0600.

    ``which`` is how a rule of udev matches it.
    """
    status = node.stat()
    mode = status.st_mode & 0o777
    owner, group = _user_name(status.st_uid), _group_name(status.st_gid)
    if mode & 0o040:
        way = f"join the group {group}"
    else:
        way = (
            f"let udev give it to a group of yours ({which}, "
            'GROUP="video", MODE="0640")'
        )
    return (
        f"{_user_name(os.geteuid())} may not open {node}, which is {owner}:{group} "
        f"with mode {mode:04o}: run as {owner}, or {way}."
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _group_name(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return f"gid {gid}"
