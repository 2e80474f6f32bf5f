# SPDX-License-Identifier: MIT
"""What is done with a buffer once there is one, in plain words."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from heapkit._ffi import READ_WRITE, Access, Op
from heapkit.breakdown import takes
from heapkit.units import format_bytes

if TYPE_CHECKING:
    from heapkit.run import Run

_SENTENCES = {
    Op.BEGIN_CPU: "the CPU's {access} access to {part} of buffer {buffer} begins",
    Op.END_CPU: "the CPU's {access} access to {part} of buffer {buffer} ends",
    Op.CPU_READ: "the CPU reads {part} of buffer {buffer}",
    Op.CPU_WRITE: "the CPU writes {part} of buffer {buffer}",
    Op.DEVICE_READ: "{device} reads {part} of buffer {buffer}",
    Op.DEVICE_WRITE: "{device} writes {part} of buffer {buffer}",
    Op.MMAP: "{process} maps buffer {buffer} into its memory",
    Op.MUNMAP: "{process} gives up the newest mapping of buffer {buffer}",
    Op.VMAP: "the kernel maps buffer {buffer} for itself",
    Op.VUNMAP: "the kernel gives up a mapping of buffer {buffer}",
}
_ON_DEVICE = "{device} and buffer {buffer}"


def use(run: Run, i: int) -> str:
    """A sentence about an event that needs a buffer which was served."""
    status, start = int(run["status"][i]), allocated_at(run, i)
    what = _SENTENCES.get(Op(run["op"][i]), _ON_DEVICE).format(
        access=_access(run, i),
        buffer=run["buffer"][i],
        device=_device(run, i),
        part=_part(run, i),
        process=process(run, i) or "a program",
    )
    if run["op"][i] == Op.MAP and _skips(run, i):
        what += ", without cache maintenance"
    if status:
        code = errno.errorcode[-status]
        return f"{what}: refused with {code} ({os.strerror(-status)})."
    if run["status"][start]:
        return f"{what}: nothing to do, the buffer was refused at event {start}."
    entries = counted(int(run["entries"][start]), "entry", "entries")
    cost = takes(run, i)
    return f"{what} ({spelt(run['size'][start])} in {entries}); it takes {cost}."


def share(run: Run, i: int) -> str:
    """A sentence about one reference more."""
    held, who = references(run, i), process(run, i)
    return (
        f"buffer {run['buffer'][i]} gets one reference more"
        + (f", held by {who}" if who else "")
        + f": {held} in all; the FREE of the last one releases it."
    )


def dropped(run: Run, i: int) -> str:
    """A sentence about a FREE after which references are left; "" after the last."""
    left, who = references(run, i), process(run, i)
    if not left:
        return ""
    return (
        f"{who or 'somebody'} gives up one of {left + 1} references to buffer "
        f"{run['buffer'][i]}; with {left} left nothing is released."
    )


def references(run: Run, i: int) -> int:
    """How many references the buffer of event ``i`` has after it."""
    life = slice(allocated_at(run, i), i + 1)
    mine = run.trace.dense_buffer[life] == run.trace.dense_buffer[i]
    ops = run["op"][life][mine]
    shared, freed = np.count_nonzero(ops == Op.SHARE), np.count_nonzero(ops == Op.FREE)
    return 1 + int(shared) - int(freed)


def allocated_at(run: Run, i: int) -> int:
    """The ALLOC of the buffer of event ``i``."""
    mine = run.trace.dense_buffer[:i] == run.trace.dense_buffer[i]
    return int(np.flatnonzero(mine & (run["op"][:i] == int(Op.ALLOC)))[-1])


def process(run: Run, i: int) -> str:
    """The name of who does event ``i``, "" where the trace does not say."""
    trace = run.trace
    return "" if trace.process is None else trace.processes[trace.process[i]]


def counted(number: int, one: str, many: str) -> str:
    """A number and what it counts."""
    return f"{number} {one if number == 1 else many}"


def spelt(value: Any) -> str:
    """Bytes, spelt."""
    return format_bytes(int(value))


def _access(run: Run, i: int) -> str:
    given = run.trace.access
    access = READ_WRITE if given is None else Access(int(given[i])) & READ_WRITE
    return "/".join(str(flag.name).lower() for flag in access)


def _skips(run: Run, i: int) -> bool:
    given = run.trace.access
    return given is not None and bool(given[i] & Access.SKIP_SYNC)


def _part(run: Run, i: int) -> str:
    offset = 0 if run.trace.offset is None else run.trace.offset[i]
    length = run["size"][i]
    if length:
        return f"{spelt(length)} from {spelt(offset)} on"
    return f"all from {spelt(offset)} on" if offset else "the whole"


def _device(run: Run, i: int) -> str:
    device = 0 if run.trace.device is None else int(run.trace.device[i])
    names = run.trace.devices
    return f"device {names[device]}" if device < len(names) else "the device"
