# SPDX-License-Identifier: MIT
"""A finding in words: what went wrong in one sentence, and the call that is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from heapkit._ffi import READ_WRITE, Access, FindingKind, Op
from heapkit.finding_causes import Around
from heapkit.finding_writes import NONE
from heapkit.trace import Trace

_KIND = FindingKind


@dataclass(frozen=True)
class Case:
    """All that is known of one finding."""

    trace: Trace
    event: int
    kind: FindingKind
    op: Op
    offset: int
    bytes: int
    cause: int  # an event, or NONE
    unmapped: bool  # the device of the cause, when it wrote
    lazy: bool
    around: Around

    def device(self, event: int) -> str:
        """The name of the device of an event."""
        names = self.trace.devices or ("device",)
        return names[self.code(event)]

    def code(self, event: int) -> int:
        """The device of an event."""
        return 0 if self.trace.device is None else int(self.trace.device[event])

    def access(self, event: int) -> str:
        """The access of a BEGIN_CPU or END_CPU, in parentheses."""
        given = self.trace.access
        access = READ_WRITE if given is None else Access(int(given[event]))
        words = [str(flag.name).lower() for flag in access & READ_WRITE]
        return f"({' and '.join(words)})"

    @property
    def buffer(self) -> int:
        """The trace's own id."""
        return int(self.trace.buffer[self.event])

    @property
    def at(self) -> str:
        """Which bytes."""
        return f"{self.bytes} bytes of buffer {self.buffer} at offset {self.offset}"


# --- The missing call --------------------------------------------------------


def missing(case: Case) -> str:
    """The call without which this happened: "BEGIN_CPU (read)"."""
    tell: dict[FindingKind, Callable[[Case], str]] = {
        _KIND.STALE_CPU_READ: _no_invalidation,
        _KIND.STALE_DEVICE_READ: _no_clean,
        _KIND.LOST_CPU_WRITE: _no_clean_before,
        _KIND.LOST_DEVICE_WRITE: _no_clean,
        _KIND.UNMAPPED_DEVICE: _no_mapping,
        _KIND.END_WITHOUT_BEGIN: _no_begin,
        _KIND.MAPPED_AT_FREE: _not_undone,
        _KIND.SNOOPED_STALE: _no_unmapping,
    }
    return tell.get(case.kind, _no_end)(case)


def _no_begin(case: Case) -> str:
    return f"BEGIN_CPU {case.access(case.event)}"


def _no_end(case: Case) -> str:
    return f"END_CPU {case.access(case.cause)}"


def _no_invalidation(case: Case) -> str:
    name = case.device(case.cause)
    if case.unmapped:
        return f"MAP and UNMAP of {name}"
    if case.lazy or case.code(case.cause) in case.around.mapped:
        return "BEGIN_CPU (read)"
    return f"an UNMAP of {name} without SKIP_SYNC"


def _no_unmapping(case: Case) -> str:
    """Nothing is there to sync between two devices but the end of a mapping."""
    if case.code(case.cause) in case.around.mapped:
        return f"UNMAP of {case.device(case.cause)}"
    return _no_invalidation(case)


def _no_clean(case: Case) -> str:
    if case.op == Op.CPU_WRITE:
        said = _no_invalidation(case)
        return "BEGIN_CPU (read and write)" if said == "BEGIN_CPU (read)" else said
    since = case.around.mapped.get(case.code(case.event), NONE)
    if since == NONE:
        return _no_mapping(case)
    if case.cause < since:
        return f"a MAP of {case.device(case.event)} without SKIP_SYNC"
    return "END_CPU (write)"


def _no_clean_before(case: Case) -> str:
    zeroed = case.trace.op[case.cause] == Op.ALLOC
    return "a MAP without SKIP_SYNC" if zeroed else "END_CPU (write)"


def _no_mapping(case: Case) -> str:
    name = case.device(case.event)
    attached = case.code(case.event) in case.around.attached
    return f"MAP of {name}" if attached else f"ATTACH and MAP of {name}"


def _not_undone(case: Case) -> str:
    names = case.trace.devices or ("device",)
    open_ = case.around
    told = [
        f"{'UNMAP and DETACH' if device in open_.mapped else 'DETACH'} of "
        f"{names[device]}"
        for device in open_.attached
    ]
    told += ["MUNMAP"] * open_.mmapped + ["VUNMAP"] * open_.vmapped
    return ", ".join(told)


# --- The sentence ------------------------------------------------------------


def sentence(case: Case) -> str:
    """One sentence that names the events and the missing call."""
    tell = {
        _KIND.STALE_CPU_READ: _stale_cpu_read,
        _KIND.STALE_DEVICE_READ: _stale_device_read,
        _KIND.LOST_CPU_WRITE: _lost_cpu_write,
        _KIND.LOST_DEVICE_WRITE: _lost_device_write,
        _KIND.UNMAPPED_DEVICE: _unmapped_device,
        _KIND.SNOOPED_STALE: _snooped_stale,
    }
    told = tell.get(case.kind, _unpaired)(case)
    return f"Event {case.event}: {told}: {missing(case)} is missing."


def _written(case: Case) -> str:
    """Who wrote, or zeroed, and when."""
    if case.cause == NONE:
        return "somebody wrote"
    op = case.trace.op[case.cause]
    if op == Op.ALLOC:
        return f"were zeroed in event {case.cause}"
    who = case.device(case.cause) if op == Op.DEVICE_WRITE else "the CPU"
    return f"{who} wrote in event {case.cause}"


def _stale_cpu_read(case: Case) -> str:
    return (
        f"the CPU reads {case.at} that {_written(case)} and nothing invalidated since"
    )


def _stale_device_read(case: Case) -> str:
    name = case.device(case.event)
    return f"{name} reads {case.at} that {_written(case)} and nothing cleaned since"


def _snooped_stale(case: Case) -> str:
    return (
        f"{case.device(case.event)}, which snoops, reads {case.at} that "
        f"{_written(case)}, and nothing invalidated what a cache may have fetched since"
    )


def _lost_cpu_write(case: Case) -> str:
    return (
        f"{case.op.name} invalidates {case.at} that {_written(case)} and nothing "
        "cleaned since, so that they are lost"
    )


def _lost_device_write(case: Case) -> str:
    if case.op == Op.CPU_WRITE:
        return (
            f"the CPU writes parts of cache lines, {case.at}, that {_written(case)} "
            "and nothing invalidated since, so that the rest of them is lost"
        )
    return (
        f"{case.device(case.event)} writes {case.at} that {_written(case)} and "
        "nothing cleaned since, so that they may be written over it"
    )


def _unmapped_device(case: Case) -> str:
    verb = "reads" if case.op == Op.DEVICE_READ else "writes"
    return f"{case.device(case.event)} {verb} {case.at} without a mapping"


def _unpaired(case: Case) -> str:
    mine = f"{case.op.name} {case.access(case.event)} of buffer {case.buffer}"
    if case.kind == _KIND.END_WITHOUT_BEGIN:
        return f"{mine} ends nothing"
    if case.kind == _KIND.MAPPED_AT_FREE:
        return f"buffer {case.buffer} is freed while it is attached or mapped"
    begun = f"the BEGIN_CPU {case.access(case.cause)} of event {case.cause}"
    if case.kind == _KIND.NESTED_BEGIN:
        return f"{mine} while {begun} is open"
    if case.kind == _KIND.DIRECTION_MISMATCH:
        return f"{mine} ends {begun}"
    return f"buffer {case.buffer} is freed while {begun} is open"
