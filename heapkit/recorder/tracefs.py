# SPDX-License-Identifier: MIT
"""An instance of tracefs of our own: events without touching anyone else's buffer.

``instances/heapkit-PID`` (Documentation/trace/ftrace.rst, "Instances") has its own
ring buffers, events and clock; it ends with its directory.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

from heapkit.errors import FormatError, refusal
from heapkit.recorder import tracepoints
from heapkit.units import KiB

# Where it is mounted; below debugfs it is also without a mount of its own.
MOUNTS = ("sys/kernel/tracing", "sys/kernel/debug/tracing")
MOUNT = "sudo mount -t tracefs none /sys/kernel/tracing"

_CHUNK = 64 * KiB
_OURS = re.compile(r"heapkit-(\d{1,10})(?:\.\d+)?", re.ASCII)
_MOST_OF_ONE_PROCESS = 64
_OVERRUN = re.compile(
    r"^(?:overrun|dropped events): (\d{1,18})$", re.ASCII | re.MULTILINE
)


class Instance:
    """Our instance, with the events of ``groups`` that the kernel has.

    ``events`` says which. ``pages_order`` is the smallest block of the page
    allocator that is told of; None switches those events off. A context manager;
    :meth:`close` removes the directory. ``OSError``: ENOENT where tracefs is not
    mounted or has none of the events, EACCES or EPERM where only root may.
    """

    def __init__(self, root: Path, *, pages_order: int | None = None) -> None:
        tracing = _tracing(root)
        remove_stale(tracing, root)
        self.directory = make(tracing / "instances")
        self._fd, self._there = -1, True
        self._rest = b""
        try:
            self._set("trace_clock", "mono")
            self.events = _some(self._enabled(pages_order))
            self.path = self.directory / "trace_pipe"
            flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
            self._fd = os.open(self.path, flags)
            self._set("tracing_on", "1")
        except BaseException:
            self.close()
            raise

    def _enabled(self, pages_order: int | None) -> Iterator[str]:
        for event in (*tracepoints.CMA, *tracepoints.DMA_BUF):
            if self._enable(event):
                yield event
        if pages_order is not None:
            for event in tracepoints.PAGES:
                if self._enable(event, f"order >= {pages_order}"):
                    yield event

    def _enable(self, event: str, condition: str = "") -> bool:
        directory = f"events/{event}"
        if not (self.directory / directory / "enable").exists():
            return False
        if condition:
            self._set(f"{directory}/filter", condition)
        self._set(f"{directory}/enable", "1")
        return True

    def _set(self, name: str, value: str) -> None:
        # Not created: what is no file of tracefs is not there.
        fd = os.open(self.directory / name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(fd, value.encode())
        finally:
            os.close(fd)

    def lines(self) -> Iterator[str]:
        """The lines that wait, and then ends; a line that is not whole stays."""
        while chunk := self._chunk():
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            # A page without an end of line is none.
            self._rest = self._rest[-_CHUNK:]
            for line in whole:
                yield line.decode("utf-8", "backslashreplace")

    def _chunk(self) -> bytes:
        try:
            return os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return b""

    def overrun(self) -> int:
        """The events that the ring buffers lost, of all processors together.

        :class:`FormatError` where their ``stats`` do not say.
        """
        total = 0
        for path in sorted(self.directory.glob("per_cpu/cpu*/stats")):
            text = path.read_text("utf-8", "backslashreplace")
            numbers = _OVERRUN.findall(text)
            if len(numbers) != 2:
                message = "expected overrun: and dropped events:"
                raise FormatError(message, path=path, line=1, text=text)
            total += sum(map(int, numbers))
        return total

    def close(self) -> None:
        """Remove the instance; again does nothing."""
        if not self._there:
            return
        self._there = False
        if self._fd >= 0:
            os.close(self._fd)
        with contextlib.suppress(OSError):
            self._set("tracing_on", "0")
        remove(self.directory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _some(events: Iterator[str]) -> tuple[str, ...]:
    found = tuple(events)
    if not found:
        what = "none of the kernel's events are of CMA or dma-buf heaps"
        raise refusal(errno.ENOENT, what)
    return found


def _tracing(root: Path) -> Path:
    for name in MOUNTS:
        if (root / name / "instances").is_dir():
            return root / name
    raise refusal(errno.ENOENT, f"tracefs is not mounted: {root / MOUNTS[0]}")


def make(instances: Path) -> Path:
    """A new instance of this process; the kernel puts the files into it."""
    for number in range(_MOST_OF_ONE_PROCESS):
        name = f"heapkit-{os.getpid()}" + (f".{number}" if number else "")
        try:
            (instances / name).mkdir()
        except FileExistsError:
            continue
        return instances / name
    message = f"{_MOST_OF_ONE_PROCESS} recordings of this process are there"
    raise refusal(errno.EBUSY, message)


def remove(directory: Path) -> None:
    """The end of an instance, whose files go with it."""
    with contextlib.suppress(FileNotFoundError):
        directory.rmdir()


def remove_stale(tracing: Path, root: Path) -> Sequence[str]:
    """Remove instances of processes of ours that were killed; their names."""
    removed = []
    for directory in sorted((tracing / "instances").iterdir()):
        match = _OURS.fullmatch(directory.name)
        if match is None or (root / "proc" / match[1]).exists():
            continue
        with contextlib.suppress(OSError):
            remove(directory)
            removed.append(directory.name)
    return removed
