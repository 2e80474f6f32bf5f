# SPDX-License-Identifier: MIT
"""A sync file of the kernel: the fences of one moment, to be waited for."""

from __future__ import annotations

import select

from heapkit.backends.descriptor import Descriptor, ready
from heapkit.backends.live.keeper import Keeper


class LiveSyncFile(Descriptor):
    """A sync file's descriptor; satisfies :class:`heapkit.interface.SyncFile`."""

    def __init__(self, fd: int, keeper: Keeper) -> None:
        super().__init__(fd)
        keeper.keep(self)

    @property
    def signalled(self) -> bool:
        """Whether all of its fences have signalled."""
        return bool(self.poll())

    def poll(self) -> int:
        """POLLIN once everything has signalled."""
        return ready(self.fileno()) & select.POLLIN

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        state = f"fd {self._fd}" if self._fd >= 0 else "closed"
        return f"<LiveSyncFile, {state}>"
