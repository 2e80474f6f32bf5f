# SPDX-License-Identifier: MIT
"""Caches and memory as a person would follow them: a set of lines for each."""

import dataclasses
from collections import Counter

from heapkit import Op

R, W, SKIP = 1, 2, 4


@dataclasses.dataclass(eq=False)
class Attachment:
    """A device at a buffer."""

    device: str
    mapped: bool = False
    skip: bool = False


@dataclasses.dataclass
class Buffer:
    """What the cache and the memory know of one buffer, in lines."""

    size: int
    dirty: set[int]
    stale: set[int] = dataclasses.field(default_factory=set)
    attachments: list[Attachment] = dataclasses.field(default_factory=list)
    begins: list[int] = dataclasses.field(default_factory=list)
    references: int = 1
    mapped: Counter = dataclasses.field(default_factory=Counter)


class Lines:
    """One cached heap on a board with today's rules of arm64."""

    def __init__(self, coherent, *, line, attachments, arm64):
        self.coherent, self.line = coherent, line
        self.every, self.before = attachments == "all", arm64 == "before"
        self.buffers, self.found = {}, []

    def event(self, op, buffer, **columns):
        """Carry out one event: its status, and (kind, offset, bytes) of findings."""
        self.found = []
        if op == Op.ALLOC:
            size = columns["size"]
            lines = set(range(-(-size // 4096) * 4096 // self.line))
            self.buffers[buffer] = Buffer(len(lines) * self.line, lines)
            return 0, []
        method = getattr(self, op.name.lower())
        status = method(self.buffers[buffer], **columns)
        if op == Op.FREE and not self.buffers[buffer].references:
            del self.buffers[buffer]
        return status or 0, self.found

    def _find(self, kind, lines=()):
        if lines:
            offset, length = min(lines) * self.line, len(lines) * self.line
            self.found.append((kind, offset, length))

    def _warn(self, kind):
        self.found.append((kind, 0, 0))

    # --- Passes ---

    def _lines(self, start, end):
        """Lines that [start, end) meets, and those that it covers."""
        met = (
            set(range(start // self.line, -(-end // self.line)))
            if end > start
            else set()
        )
        return met, {
            n for n in met if n * self.line >= start and (n + 1) * self.line <= end
        }

    def _clean(self, buffer, met):
        buffer.dirty -= met

    def _invalidate(self, buffer, met, covered):
        self._find("LOST_CPU_WRITE", buffer.dirty & covered)
        buffer.dirty -= met
        buffer.stale -= met

    def _synced(self, buffer):
        return any(
            (one.mapped or self.every) and one.device not in self.coherent
            for one in buffer.attachments
        )

    # --- Calls ---

    def _newest(self, buffer, device, *, mapped):
        for one in reversed(buffer.attachments):
            if one.device == device and one.mapped == mapped:
                return one
        return None

    def attach(self, buffer, device, **_):
        buffer.attachments.append(Attachment(device))

    def detach(self, buffer, device, **_):
        one = self._newest(buffer, device, mapped=False)
        if one is None:
            one = self._newest(buffer, device, mapped=True)
            if self.unmap(buffer, device):
                return -22
        buffer.attachments.remove(one)
        return 0

    def map(self, buffer, device, access, **_):
        one = self._newest(buffer, device, mapped=False)
        if one is None:
            return -22
        one.mapped, one.skip = True, bool(access & SKIP)
        if not one.skip and device not in self.coherent:
            self._clean(buffer, *self._lines(0, buffer.size)[:1])
        return 0

    def unmap(self, buffer, device, **_):
        one = self._newest(buffer, device, mapped=True)
        if one is None:
            return -22
        one.mapped = False
        if not one.skip and device not in self.coherent:
            self._invalidate(buffer, *self._lines(0, buffer.size))
        return 0

    def begin_cpu(self, buffer, access, offset, size, **_):
        if offset > buffer.size or size > buffer.size - offset:
            return -22
        if buffer.begins:
            self._warn("NESTED_BEGIN")
        buffer.begins.append(access)
        if access & R and self._synced(buffer):
            end = offset + size if size else buffer.size
            self._invalidate(buffer, *self._lines(offset, end))
        return 0

    def end_cpu(self, buffer, access, offset, size, **_):
        if offset > buffer.size or size > buffer.size - offset:
            return -22
        if not buffer.begins:
            self._warn("END_WITHOUT_BEGIN")
        else:
            begun = buffer.begins.pop()
            if begun and begun != access:
                self._warn("DIRECTION_MISMATCH")
            if buffer.begins:
                buffer.begins[-1] = 0
        met, covered = self._lines(offset, offset + size if size else buffer.size)
        if not self._synced(buffer):
            return 0
        if self.before and access == R:
            self._invalidate(buffer, met, covered)
        else:
            self._clean(buffer, met)
        return 0

    def mmap(self, buffer, **_):
        buffer.mapped["mmap"] += 1

    def munmap(self, buffer, **_):
        return self._undo(buffer, "mmap")

    def vmap(self, buffer, **_):
        buffer.mapped["vmap"] += 1

    def vunmap(self, buffer, **_):
        return self._undo(buffer, "vmap")

    def _undo(self, buffer, what):
        if not buffer.mapped[what]:
            return -22
        buffer.mapped[what] -= 1
        return 0

    def share(self, buffer, **_):
        buffer.references += 1

    def free(self, buffer, **_):
        buffer.references -= 1
        if buffer.references:
            return
        if buffer.begins:
            self._warn("OPEN_AT_FREE")
        if buffer.attachments or any(buffer.mapped.values()):
            self._warn("MAPPED_AT_FREE")

    # --- Accesses ---

    def _part(self, buffer, offset, size):
        if offset > buffer.size or size > buffer.size - offset:
            return None
        return self._lines(offset, offset + size if size else buffer.size)

    def cpu_read(self, buffer, offset, size, **_):
        part = self._part(buffer, offset, size)
        if part is None:
            return -14
        self._find("STALE_CPU_READ", buffer.stale & part[0])
        return 0

    def cpu_write(self, buffer, offset, size, **_):
        part = self._part(buffer, offset, size)
        if part is None:
            return -14
        met, covered = part
        buffer.dirty |= met
        buffer.stale -= covered
        self._find("LOST_DEVICE_WRITE", buffer.stale & met)
        return 0

    def _by_device(self, buffer, device, offset, size):
        part = self._part(buffer, offset, size)
        if part and self._newest(buffer, device, mapped=True) is None:
            length = size or buffer.size - offset
            self.found.append(("UNMAPPED_DEVICE", offset, length))
        return part

    def device_read(self, buffer, device, offset, size, **_):
        part = self._by_device(buffer, device, offset, size)
        if part is None:
            return -14
        if device in self.coherent:
            self._find("SNOOPED_STALE", buffer.stale & part[0])
        else:
            self._find("STALE_DEVICE_READ", buffer.dirty & part[0])
        return 0

    def device_write(self, buffer, device, offset, size, **_):
        part = self._by_device(buffer, device, offset, size)
        if part is None:
            return -14
        met, covered = part
        if device in self.coherent:
            buffer.stale -= covered
        else:
            self._find("LOST_DEVICE_WRITE", buffer.dirty & met)
            buffer.stale |= met
        buffer.dirty -= met
        return 0
