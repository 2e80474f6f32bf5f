# SPDX-License-Identifier: MIT
"""What cache maintenance costs a frame, and which part of it costs what.

Frames are generated, replayed by the core, and taken apart by what each event was
charged (:attr:`heapkit.Run.breakdown_columns`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import ACCESS_OF
from heapkit.board import Board, Device, SecureHeap
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.trace import Op, Trace

# Names of struct hk_costs. What is no synchronisation (allocation, zeroing, the CPU's
# own accesses) is in none.
PARTS: dict[str, tuple[str, ...]] = {
    "calls": ("sync_call",),
    "attach and map": ("attach_call", "attach_entry", "map_entry", "unmap_entry"),
    "IOMMU": ("iommu_map_entry", "iommu_unmap_entry"),
    "barriers": ("sync_entry",),
    "clean lines": ("clean_line",),
    "dirty lines": ("dirty_line",),
    "invalidate lines": ("invalidate_line",),
}
FRAME_NS = 16_666_667  # 60 frames a second; costs do not depend on it


@dataclass(frozen=True, kw_only=True)
class Frames:
    """``frames`` times the CPU touches a buffer that devices use.

    ``size`` bytes, of which ``touched`` (None: all) lie in the range given to
    SYNC; partial ranges are a vendor's extension. ``access`` is "r", "w" or
    "rw": where it writes, the CPU writes all of the range. With
    ``map_each_frame`` the devices map and unmap around each use, as Android does,
    and the CPU touches the buffer in between; without, they stay mapped, as the
    upstream contract has it.
    """

    size: int
    touched: int | None = None
    access: str = "rw"
    frames: int = 30
    map_each_frame: bool = False

    def __post_init__(self) -> None:
        if self.access not in ACCESS_OF:
            raise ValueError(f"access={self.access!r}; allowed: {tuple(ACCESS_OF)}")
        for name in ("size", "frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)!r}; allowed: 1 and more")
        if self.touched is not None and not 1 <= self.touched <= self.size:
            raise ValueError(
                f"touched={self.touched!r}; allowed: 1 to size={self.size}"
            )


def frames_trace(
    frames: Frames, heap: str, devices: Sequence[int], *, may_write: bool = True
) -> Trace:
    """One buffer per entry of ``devices``, used by so many devices, in turn.

    Buffer ``i`` is that of ``devices[i]``. Without ``may_write`` the CPU leaves the
    buffer alone between begin and end: it cannot map that of a secure heap.
    """
    rows: list[tuple[Op, int, int]] = []
    writes = may_write and "w" in frames.access
    for buffer, count in enumerate(devices):
        life = _life(frames, count, writes=writes)
        rows += [(op, buffer, device) for op, device in life]
    length = frames.touched or frames.size
    op = np.array([row[0] for row in rows], np.uint8)
    ranged = np.isin(op, (Op.BEGIN_CPU, Op.CPU_WRITE, Op.END_CPU))
    most = max(devices, default=0)
    return Trace.from_columns(
        op=op,
        buffer=np.array([row[1] for row in rows], np.int64),
        size=np.where(ranged, length, frames.size),
        heap=[heap] * len(rows),
        time_ns=np.arange(len(rows), dtype=np.int64) * FRAME_NS,
        device=np.array([row[2] for row in rows], np.uint16),
        devices=[device_name(i) for i in range(max(1, most))],
        access=np.full(len(rows), ACCESS_OF[frames.access], np.uint8),
    )


def device_name(index: int) -> str:
    """Of the generated devices."""
    return f"device {index}"


def frame_costs(
    board: Board,
    heap: str,
    frames: Frames,
    devices: Sequence[int],
    *,
    coherent: bool = False,
    iommu: bool = False,
) -> dict[str, NDArray[np.float64]]:
    """Nanoseconds a frame, per part of :data:`PARTS`, one per entry of ``devices``.

    Attaching and mapping once is spread over the frames. ``coherent`` says
    whether the devices snoop, ``iommu`` whether they are behind one. ``OSError`` if
    ``heap`` cannot hold the buffer, ``ValueError`` if the board has no such heap.
    """
    may_write = not isinstance(board.heap(heap), SecureHeap)
    trace = frames_trace(frames, heap, devices, may_write=may_write)
    names = [device_name(i) for i in range(max(1, *devices, 1))]
    theirs = tuple(Device(name, coherent=coherent, iommu=iommu) for name in names)
    run = replay(
        trace, board.replace({"devices": theirs}), gauges=False, breakdown=True
    )
    _raise_refusal(run)
    return {
        part: sum(
            (_per_buffer(run, name, len(devices)) for name in constants),
            np.zeros(len(devices)),
        )
        / frames.frames
        for part, constants in PARTS.items()
    }


def _raise_refusal(run: Run) -> None:
    failed = np.flatnonzero(run["status"])
    if len(failed):
        code = -int(run["status"][failed[0]])
        raise OSError(code, run.explain(int(failed[0])))


def _per_buffer(run: Run, constant: str, buffers: int) -> NDArray[np.float64]:
    if f"{constant}_ns" not in run:
        return np.zeros(buffers)
    return np.bincount(
        run["buffer"], weights=run[f"{constant}_ns"], minlength=buffers
    ).astype(np.float64)


def _life(frames: Frames, count: int, *, writes: bool) -> list[tuple[Op, int]]:
    """(op, device) from allocation to free."""

    def each(op: Op) -> list[tuple[Op, int]]:
        return [(op, device) for device in range(count)]

    write = [(Op.CPU_WRITE, 0)] if writes else []
    touch = [(Op.BEGIN_CPU, 0), *write, (Op.END_CPU, 0)]
    if frames.map_each_frame:
        use = (touch + each(Op.MAP) + each(Op.UNMAP)) * frames.frames
    else:
        use = each(Op.MAP) + touch * frames.frames + each(Op.UNMAP)
    start = [(Op.ALLOC, 0), *each(Op.ATTACH)]
    return [*start, *use, *each(Op.DETACH), (Op.FREE, 0)]
