# SPDX-License-Identifier: MIT
"""In the guest: an instance of tracefs of one's own, for one process."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

ROOTS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
BUFFER_KB = 16 << 10
PIECE = 1 << 16  # bytes of a read of trace_pipe


def root() -> Path:
    """Where tracefs is; mounted if it is nowhere."""
    for path in map(Path, ROOTS):
        if (path / "instances").is_dir():
            return path
    subprocess.run(["mount", "-t", "tracefs", "tracefs", ROOTS[0]], check=True)
    return Path(ROOTS[0])


class Instance:
    """One event of this process, and the marks it makes, in the order of both."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._path = root() / "instances" / f"fidelity-{os.getpid()}"

    def __enter__(self) -> Self:
        self._path.mkdir()
        self._write("buffer_size_kb", str(BUFFER_KB))
        self._write("trace_clock", "counter")
        self._write("set_event_pid", str(os.getpid()))
        self._write(f"events/{self._event}/enable", "1")
        self._marker = os.open(self._path / "trace_marker", os.O_WRONLY)
        flags = os.O_RDONLY | os.O_NONBLOCK
        self._pipe = os.open(self._path / "trace_pipe", flags)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._marker)
        os.close(self._pipe)
        self._path.rmdir()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens meanwhile is not recorded."""
        self._write("tracing_on", "0")
        yield
        self._write("tracing_on", "1")

    def mark(self, text: str) -> None:
        """A line of one's own between the events."""
        os.write(self._marker, text.encode())

    def read(self) -> bytes:
        """What has come since the last read, and is gone then."""
        pieces = []
        while True:
            try:
                piece = os.read(self._pipe, PIECE)
            except BlockingIOError:
                return b"".join(pieces)
            if not piece:
                return b"".join(pieces)
            pieces.append(piece)

    def text(self) -> str:
        """The same as text."""
        return self.read().decode()

    def lost(self) -> int:
        """Events that were written over before they were read."""
        stats = (self._path / "per_cpu").glob("cpu*/stats")
        lines = "".join(path.read_text() for path in stats).splitlines()
        words = [line.split(": ") for line in lines]
        return sum(
            int(value) for key, value in words if key in ("overrun", "dropped events")
        )

    def _write(self, name: str, text: str) -> None:
        (self._path / name).write_text(text)
