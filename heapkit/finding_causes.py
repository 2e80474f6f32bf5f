# SPDX-License-Identifier: MIT
"""Where findings come from: the event behind each, and the calls around it.

The core says that a line is dirty or stale, not since when. The last write to the
finding's first line that makes it so is searched for in the trace: had anything
cleaned or invalidated the line after it, there would be no finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import FindingKind, Op
from heapkit.finding_writes import NONE, Lines, last_write
from heapkit.run import Run
from heapkit.trace import Trace
from heapkit.trace_ops import rows_of

_KINDS = FindingKind
_OF_DIRTY = (_KINDS.STALE_DEVICE_READ, _KINDS.LOST_CPU_WRITE)
_OF_STALE = (_KINDS.STALE_CPU_READ, _KINDS.SNOOPED_STALE)
_OF_BEGIN = (_KINDS.NESTED_BEGIN, _KINDS.DIRECTION_MISMATCH, _KINDS.OPEN_AT_FREE)
_CALLS = (
    *(Op.ALLOC, Op.ATTACH, Op.DETACH, Op.MAP, Op.UNMAP, Op.BEGIN_CPU, Op.END_CPU),
    *(Op.MMAP, Op.MUNMAP, Op.VMAP, Op.VUNMAP),
)


@dataclass(frozen=True)
class Around:
    """What was open for the buffer of a finding just before its event."""

    mapped: dict[int, int]  # device: since which event
    attached: tuple[int, ...]  # devices, mapped or not
    begun: int  # the innermost open BEGIN_CPU
    mmapped: bool
    vmapped: bool


@dataclass
class _Buffer:
    """One buffer's calls so far."""

    attachments: list[list[int]] = field(default_factory=list)  # device, since
    begins: list[int] = field(default_factory=list)
    mmaps: int = 0
    vmaps: int = 0

    def around(self) -> Around:
        mapped = {device: since for device, since in self.attachments if since >= 0}
        return Around(
            mapped,
            tuple(dict.fromkeys(device for device, _ in self.attachments)),
            self.begins[-1] if self.begins else NONE,
            self.mmaps > 0,
            self.vmaps > 0,
        )

    def call(self, op: int, device: int, event: int) -> None:
        """Follow a call that the kernel did not refuse."""
        if op == Op.ATTACH:
            self.attachments.append([device, NONE])
        elif op == Op.MAP:
            self._newest(device, mapped=False)[1] = event
        elif op == Op.UNMAP:
            self._newest(device, mapped=True)[1] = NONE
        elif op == Op.DETACH:
            one = self._newest(device, mapped=False)
            at = next(i for i, other in enumerate(self.attachments) if other is one)
            del self.attachments[at]
        elif op == Op.BEGIN_CPU:
            self.begins.append(event)
        elif op == Op.END_CPU:
            del self.begins[-1:]
        else:
            change = 1 if op in (Op.MMAP, Op.VMAP) else -1
            name = "mmaps" if op in (Op.MMAP, Op.MUNMAP) else "vmaps"
            setattr(self, name, getattr(self, name) + change)

    def _newest(self, device: int, *, mapped: bool) -> list[int]:
        """As the core takes it; a DETACH also one that is mapped, the newest."""
        mine = [a for a in reversed(self.attachments) if a[0] == device]
        return next((a for a in mine if (a[1] >= 0) == mapped), mine[0])


def devices_of(trace: Trace) -> NDArray[Any]:
    """The device of each event: 0 where the trace does not say."""
    if trace.device is None:
        return np.zeros(len(trace), np.uint16)
    return trace.device


def snooping(run: Run) -> NDArray[np.bool_]:
    """For each device of the trace whether it snoops."""
    coherent = {device.name for device in run.board.devices if device.coherent}
    return np.array([name in coherent for name in run.trace.devices or ("device",)])


def around(run: Run, found: NDArray[np.void]) -> list[Around]:
    """For each finding what was open just before its event."""
    trace = run.trace
    affected = np.zeros(trace.n_buffers, bool)
    affected[found["buffer"]] = True
    done = rows_of(trace.op, _CALLS) & (run["status"] == 0)
    # A failed allocation has nothing open either, and takes its calls in silence.
    done |= trace.op == Op.ALLOC
    done &= affected[np.minimum(trace.dense_buffer, max(trace.n_buffers - 1, 0))]
    calls = np.flatnonzero(done)
    event = np.concatenate([found["event"].astype(np.int64), calls])
    buffer = np.concatenate([found["buffer"], trace.dense_buffer[calls]])
    asked = len(found)
    order = np.lexsort((np.arange(len(event)) >= asked, event, buffer))
    answers: list[Any] = [None] * asked
    now, op, device = _Buffer(), trace.op, devices_of(trace)
    for i, at in zip(order.tolist(), event[order].tolist(), strict=True):
        if i < asked:
            answers[i] = now.around()
        elif op[at] == Op.ALLOC:
            now = _Buffer()
        else:
            now.call(int(op[at]), int(device[at]), at)
    return answers


def causes(
    run: Run, found: NDArray[np.void], answers: list[Around]
) -> NDArray[np.int64]:
    """The event that made each finding's first line what it is; NONE for no such.

    Of what does not pair: the BEGIN_CPU that it should pair with.
    """
    trace, kind, op = run.trace, found["kind"], found["op"]
    device, snoops = devices_of(trace), snooping(run)
    ok = run["status"] == 0
    cause = np.full(len(found), NONE, np.int64)
    by_cpu = op == Op.CPU_WRITE
    lost = kind == _KINDS.LOST_DEVICE_WRITE
    dirty = np.isin(kind, _OF_DIRTY) | (lost & ~by_cpu)
    stale = np.isin(kind, _OF_STALE) | (lost & by_cpu)
    wrote = trace.op == Op.DEVICE_WRITE
    wrote[wrote] = ~snoops[np.minimum(device[wrote], len(snoops) - 1)]
    line = int(run.board.costs["line_bytes"].value)
    for which, makers in (
        (dirty, rows_of(trace.op, (Op.CPU_WRITE, Op.ALLOC))),
        (stale, wrote),
    ):
        wanted = Lines(
            found["buffer"][which].astype(np.int64),
            found["event"][which].astype(np.int64),
            found["offset"][which].astype(np.int64) // line,
        )
        writes = np.flatnonzero(makers & ok)
        cause[which] = last_write(trace, writes, wanted, line)
    for i in np.flatnonzero(np.isin(kind, _OF_BEGIN)).tolist():
        cause[i] = answers[i].begun
    return cause
