# SPDX-License-Identifier: MIT
"""Files that stand for heaps, buffers and sync files, and who still has one open.

A buffer is a memfd. What a program gets is another opening of it that carries a
shared lock, flock(2): a lock belongs to the opening, so it lasts as long as any
descriptor of it, in whatever process, on its way through a socket, or a mapping.
Where the server gets the exclusive lock, nobody is left.
docs/decisions/0100-a-lock-tells-the-last-reference.md has what else was looked at.
"""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import dataclass, field
from pathlib import Path

from heapkit.backends.sim import SimBuf, SimHeap
from heapkit.backends.sim_files.fences import SyncFile
from heapkit.preload.protocol import NODE_MODE, Key, Kind

# No program may cut the memory of another short.
SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


@dataclass(eq=False)
class Node:
    """One file and what it stands for; ``fd`` is the server's own opening."""

    fd: int
    thing: SimHeap | SimBuf | SyncFile
    mode: int = os.O_RDWR
    size: int = 0
    maps: int = 0
    owner: str = ""
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        status = os.fstat(self.fd)
        self.key = (status.st_dev, status.st_ino)

    @property
    def kind(self) -> Kind:
        """What it stands for."""
        if isinstance(self.thing, SimHeap):
            return Kind.HEAP
        return Kind.BUFFER if isinstance(self.thing, SimBuf) else Kind.SYNC_FILE

    @property
    def held(self) -> bool:
        """Whether any reference is left, wherever it is."""
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        fcntl.flock(self.fd, fcntl.LOCK_UN)
        return False

    def given(self) -> int:
        """A descriptor to give away; close it when it is sent."""
        # Access mode 3 opens a file for ioctl() alone, and then no lock can be had:
        # the program's side refuses what the mode does not allow.
        mode = self.mode if self.mode != os.O_ACCMODE else os.O_RDWR
        given = os.open(f"/proc/self/fd/{self.fd}", mode | os.O_CLOEXEC)
        fcntl.flock(given, fcntl.LOCK_SH)
        return given

    def close(self) -> None:
        """Close the server's opening and what it stands for."""
        os.close(self.fd)
        if not isinstance(self.thing, SimHeap):
            self.thing.close()


def heap_node(directory: Path, heap: SimHeap) -> Node:
    """An empty file in ``directory``, which programs open by its name."""
    fd = os.open(directory / heap.name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    os.fchmod(fd, NODE_MODE)
    return Node(fd, heap)


def memory_node(thing: SimBuf | SyncFile, *, size: int, mode: int, name: str) -> Node:
    """Zeroed memory of ``size`` bytes; ``OSError`` where the machine has none left."""
    try:
        fd = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError as error:
        # It is not the program's table that is full.
        full = error.errno == errno.EMFILE
        raise OSError(errno.ENFILE if full else error.errno, error.strerror) from None
    os.ftruncate(fd, size)
    os.fchmod(fd, NODE_MODE)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
    return Node(fd, thing, mode, size)
