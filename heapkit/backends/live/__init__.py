# SPDX-License-Identifier: MIT
"""The running kernel's heaps: what /dev/dma_heap and the dma-buf ioctls offer.

A heap is a device node, a buffer is a file descriptor. The kernel decides every
size, name and errno; this package only refuses what would never come back: a
request that the kernel's system heap would answer with the OOM killer.

Here they are opened. ``heap_file``, ``heap`` and ``memfd_heap`` are the devices,
``buffer`` and ``sync_file`` what they give, ``passing`` sends them, ``keeper`` closes
them, ``user_memory`` points the kernel at an argument, ``identity`` asks what a file
is, ``oversized`` what would wake the OOM killer.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from heapkit.backends import availability
from heapkit.backends.live.buffer import LiveBuf
from heapkit.backends.live.heap import LiveHeap
from heapkit.backends.live.heaps import LiveHeaps
from heapkit.backends.live.memfd_heap import LiveUdmabuf
from heapkit.backends.live.nodes import DIRECTORY, UDMABUF
from heapkit.backends.live.sync_file import LiveSyncFile
from heapkit.errors import BackendUnavailable

__all__ = [
    "DIRECTORY",
    "UDMABUF",
    "LiveBuf",
    "LiveHeap",
    "LiveHeaps",
    "LiveSyncFile",
    "LiveUdmabuf",
    "live",
    "missing",
    "missing_udmabuf",
    "udmabuf",
]


def live(path: str | os.PathLike[str] = DIRECTORY) -> LiveHeaps:
    """The heaps of the running kernel that this process may use.

    Raises :class:`heapkit.BackendUnavailable`, whose message is one sentence that
    says what is missing and what would give it.
    """
    if reason := missing(path):
        raise BackendUnavailable(reason)
    heaps = {}
    with ExitStack() as opened:
        for node in availability.nodes(Path(path)):
            try:
                heaps[node.name] = opened.enter_context(LiveHeap(node))
            except PermissionError:
                continue
        opened.pop_all()
    return LiveHeaps(heaps)


def missing(path: str | os.PathLike[str] = DIRECTORY) -> str | None:
    """Why :func:`live` cannot start here, in one sentence; None if it can."""
    return availability.missing_in(Path(path))


def udmabuf(path: str | os.PathLike[str] = UDMABUF) -> LiveUdmabuf:
    """A heap of the pages of memfds, for a kernel without the heaps one wants.

    No heap of /dev/dma_heap: it stands beside those of :func:`live` when it is asked
    for, never in their place. Simulated boards have it as :class:`UdmabufHeap`.
    Raises :class:`heapkit.BackendUnavailable` as :func:`live` does.
    """
    if reason := missing_udmabuf(path):
        raise BackendUnavailable(reason)
    return LiveUdmabuf(Path(path))


def missing_udmabuf(path: str | os.PathLike[str] = UDMABUF) -> str | None:
    """Why :func:`udmabuf` cannot start here, in one sentence; None if it can."""
    return availability.missing_udmabuf(Path(path))
