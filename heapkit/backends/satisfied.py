# SPDX-License-Identifier: MIT
"""Both backends satisfy the protocols: for a type checker, which fails if not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heapkit.backends.live import LiveBuf, LiveHeap, LiveHeaps, LiveUdmabuf
    from heapkit.backends.live.sync_file import LiveSyncFile
    from heapkit.backends.sim import SimBuf, SimHeap, SimHeaps
    from heapkit.backends.sim_files.fences import SyncFile as SimSyncFile
    from heapkit.interface import DmaBuf, DmaHeap, Heaps, HeapView, SyncFile

    def _heaps(one: SimHeaps, other: LiveHeaps) -> tuple[Heaps, Heaps]:
        return one, other

    def _heap(
        one: SimHeap, other: LiveHeap, third: LiveUdmabuf
    ) -> tuple[DmaHeap, DmaHeap, DmaHeap]:
        return one, other, third

    def _buffer(one: SimBuf, other: LiveBuf) -> tuple[DmaBuf, DmaBuf]:
        return one, other

    def _file(one: SimSyncFile, other: LiveSyncFile) -> tuple[SyncFile, SyncFile]:
        return one, other

    def _view(one: SimHeap) -> HeapView:
        return one
