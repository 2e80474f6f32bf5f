# SPDX-License-Identifier: MIT
"""A trace in the numbering of a board: its heaps, its devices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heapkit import _ffi
from heapkit.board import Board, Device
from heapkit.trace import Trace


def resolve(trace: Trace, board: Board) -> tuple[_ffi.CTrace, tuple[Device, ...]]:
    """The trace in the numbering of ``board``, and the devices that it adds."""
    chains = resolve_chains(trace, board)
    device, extra = resolve_devices(trace, board)
    n_devices = len(board.devices) + len(extra)
    return _ffi.CTrace(trace, chains=chains, device=device, n_devices=n_devices), extra


def resolve_chains(trace: Trace, board: Board) -> list[list[int]]:
    """Heap indices of each of ``trace.heaps``; empty where no ALLOC uses it."""
    names = {name: index for index, name in enumerate(board.heap_names)}
    is_alloc = trace.op == _ffi.Op.ALLOC
    used = np.bincount(trace.chain[is_alloc], minlength=len(trace.heaps))
    chains = []
    for code, chain in enumerate(trace.heaps):
        heaps = chain.split("|") if used[code] else []
        for name in heaps:
            if name not in names:
                event = np.flatnonzero(is_alloc & (trace.chain == code))[0]
                raise unknown_heap(int(event), name, board)
        chains.append([names[name] for name in heaps])
    return chains


def unknown_heap(event: int, heap: str, board: Board) -> ValueError:
    """The error for an event that asks for a heap which ``board`` has not."""
    return ValueError(
        f"trace: event {event} asks for heap {heap!r}, which board "
        f"{board.name!r} has not; allowed: {', '.join(board.heap_names)}"
    )


def device_numbers(
    devices: tuple[str, ...], board: Board
) -> tuple[NDArray[np.uint16], tuple[Device, ...]]:
    """The board's number of each of a trace's ``devices``, and plain extra devices."""
    known = {device.name: index for index, device in enumerate(board.devices)}
    # A trace without device names means one plain device.
    names = devices or ("device",)
    extra = tuple(Device(name) for name in names if name not in known)
    known |= {d.name: len(board.devices) + i for i, d in enumerate(extra)}
    if len(known) > _ffi.MAX_DEVICES:
        raise ValueError(
            f"trace: {len(extra)} devices that board {board.name!r} does not name; "
            f"allowed: {_ffi.MAX_DEVICES} devices in all"
        )
    return np.array([known[name] for name in names], dtype=np.uint16), extra


def resolve_devices(
    trace: Trace, board: Board
) -> tuple[NDArray[np.uint16], tuple[Device, ...]]:
    """The trace's device column in the board's numbering, and plain extra devices."""
    numbers, extra = device_numbers(trace.devices, board)
    if trace.device is None:
        return np.full(len(trace), numbers[0]), extra
    # Ops that use no device may carry any value in the column.
    return numbers[np.minimum(trace.device, len(numbers) - 1)], extra
