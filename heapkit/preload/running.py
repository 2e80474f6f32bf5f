# SPDX-License-Identifier: MIT
"""A program runs on the heaps of a board: :func:`run`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from heapkit import _ffi, arguments
from heapkit.backends.sim import simulate
from heapkit.board import Board
from heapkit.errors import BackendUnavailable
from heapkit.preload import program
from heapkit.preload.faults import Fault, Faults
from heapkit.preload.host import Held, Host, heap_names
from heapkit.preload.recording import ROW_GROUP, Recording
from heapkit.preload.server import Server
from heapkit.trace_writer import TraceWriter
from heapkit.units import format_bytes

NOT_EXECUTABLE = 126  # as shells say it
NOT_FOUND = 127
# struct sockaddr_un: 108 bytes, of which "/socket" and the NUL are some.
LONGEST_DIRECTORY = 108 - len("/socket\0")
NO_FAULTS: Mapping[str, Fault | Sequence[Fault]] = MappingProxyType({})


@dataclass(frozen=True)
class Outcome:
    """What a program did on simulated heaps.

    ``status`` is its exit status, 128 and the signal if one ended it, as in shells.
    ``counts`` has the events by their op, "failed" allocations (ENOMEM of the
    board) and "injected" ones. ``left`` are the buffers that their process had
    open when it ended, ``open`` those that processes of the run still have, which
    go on without heaps. ``problem`` says why the trace is not whole, or is None.
    """

    status: int
    seconds: float
    counts: Mapping[str, int]
    processes: tuple[str, ...]
    left: tuple[Held, ...]
    open: tuple[Held, ...]
    record: Path | None = None
    problem: str | None = None
    warning: str | None = None

    def __str__(self) -> str:
        """A few sentences."""
        counts = {"ALLOC": 0, "failed": 0, "injected": 0, **self.counts}
        facts = (
            f"status {self.status} after {self.seconds:.1f} s",
            f"{len(self.processes)} processes on the heaps",
            f"{counts['ALLOC']} allocations, {counts['failed']} of them refused",
            f"{counts['injected']} more made to fail",
        )
        told = ["; ".join(facts)]
        for what, held in (("left open", self.left), ("still open", self.open)):
            size = format_bytes(sum(buffer.size for buffer in held))
            told += [f"{len(held)} buffers of {size} {what}"] if held else []
        told += [f"trace: {self.record}"] if self.record else []
        told += [text for text in (self.warning, self.problem) if text]
        return "\n".join(told)


def run(
    board: Board,
    argv: Sequence[str],
    *,
    record: str | os.PathLike[str] | None = None,
    fail: Mapping[str, Fault | Sequence[Fault]] = NO_FAULTS,
    seed: int = 1,
    latency: float = 0.0,
    env: Mapping[str, str] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    started: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> Outcome:
    """Run ``argv`` with the heaps of ``board`` for its /dev/dma_heap.

    The program is any that is linked with glibc; its children see the same heaps.
    ``record`` is where the trace goes. ``fail`` makes allocations of a heap fail with
    ENOMEM: the number of one, from 1 on, a share such as 0.05, or several of these;
    ``seed`` decides which make the share. With ``latency`` 1.0 a call takes as long
    as the board's costs say, with 0 (the default) no time of its own.
    ``started`` is called with the running program. Streams, directory and
    environment are those of this process, if ``env`` and ``cwd`` do not say otherwise.

    ``ValueError`` for a wrong argument, :class:`heapkit.BackendUnavailable` where
    the preload library was not built, ``OSError`` where the trace or the private
    directory cannot be written. A program that is not there is an outcome: its
    status is 127, and 126 if it cannot be executed.
    """
    words = _checked_argv(argv)
    if not isinstance(board, Board):
        raise arguments.wrong("run", "board", board, "a heapkit.Board")
    names = heap_names(board)
    faults = Faults(names, fail, seed)
    if isinstance(latency, bool) or not 0 <= latency <= 1e6:
        raise arguments.wrong("run", "latency", latency, "a factor, 0 to 1e6")
    library = _library()
    with ExitStack() as stack:
        directory = _directory(stack)
        meta = {"board": board.name, "argv": words}
        recording = _recording(stack, record, names, meta)
        heaps = stack.enter_context(simulate(board))
        place = directory / "dma_heap"
        host = Host(heaps, place, recording=recording, faults=faults, latency=latency)
        stack.callback(host.close)
        server = Server(host, directory / "socket")
        stack.callback(server.stop)
        began = time.monotonic()
        surroundings = _environment(env, library, directory)
        status, warning = _run(words, server, surroundings, cwd, started)
        server.stop()
        if server.error is not None:
            raise RuntimeError("the server of the heaps failed") from server.error
        host.sweep()
        still_open = host.open()
        recording.close(status=status, counts=dict(recording.counts))
        return Outcome(
            status=status,
            seconds=time.monotonic() - began,
            counts=dict(recording.counts),
            processes=tuple(sorted(server.processes)),
            left=tuple(host.left),
            open=still_open,
            record=None if record is None else Path(record),
            problem=recording.problem,
            warning=warning,
        )


def _recording(
    stack: ExitStack,
    record: str | os.PathLike[str] | None,
    heaps: Sequence[str],
    meta: Mapping[str, object],
) -> Recording:
    if record is None:
        return Recording(None)
    writer = TraceWriter(
        record, heaps=heaps, growing=True, meta=meta, row_group=ROW_GROUP
    )
    stack.callback(writer.discard)
    return Recording(writer)


def _checked_argv(argv: Sequence[str]) -> list[str]:
    allowed = "a program and its arguments, a sequence of strings without NUL"
    if isinstance(argv, str) or not isinstance(argv, Sequence) or not argv:
        raise arguments.wrong("run", "argv", argv, allowed)
    words = [os.fspath(word) for word in argv]
    if not all(isinstance(word, str) and "\0" not in word for word in words):
        raise arguments.wrong("run", "argv", argv, allowed)
    return words


def _library() -> Path:
    path = _ffi.compiled_file("_preload.so")
    if path is None:
        raise BackendUnavailable(
            "the preload library was not built: it needs Linux, glibc and 64 bits"
        )
    return path


def _directory(stack: ExitStack) -> Path:
    """A private directory, 0700, whose name fits into the address of a socket."""
    made = tempfile.mkdtemp(prefix="heapkit-")
    if len(os.fsencode(made)) > LONGEST_DIRECTORY:
        Path(made).rmdir()
        made = tempfile.mkdtemp(prefix="heapkit-", dir="/tmp")
    stack.callback(shutil.rmtree, made, ignore_errors=True)
    directory = Path(made).resolve()
    (directory / "dma_heap").mkdir()
    return directory


def _environment(
    env: Mapping[str, str] | None, library: Path, directory: Path
) -> dict[str, str]:
    given = dict(os.environ if env is None else env)
    others = given.get("LD_PRELOAD", "")
    given["LD_PRELOAD"] = f"{library}:{others}" if others else str(library)
    given["HEAPKIT_PRELOAD"] = str(directory)
    return given


def _run(
    argv: list[str],
    server: Server,
    env: dict[str, str],
    cwd: str | os.PathLike[str] | None,
    started: Callable[[subprocess.Popen[bytes]], None] | None,
) -> tuple[int, str | None]:
    """The status of the program, and what hinders it."""
    path = program.find(argv[0])
    why = program.hindrance(path) if path else None
    warning = f"{argv[0]} {why}: it sees no simulated heaps" if why else None
    try:
        child = subprocess.Popen(argv, env=env, cwd=cwd)  # noqa: S603 - what was asked for
    except FileNotFoundError as error:
        return NOT_FOUND, f"{argv[0]}: {error.strerror}"
    except OSError as error:
        return NOT_EXECUTABLE, f"{argv[0]}: {error.strerror}"
    server.start()
    try:
        if started is not None:
            started(child)
        code = _waited(child)
    except BaseException:
        _end(child)
        raise
    return 128 - code if code < 0 else code, warning


def _waited(child: subprocess.Popen[bytes]) -> int:
    """Its return code. An interrupt is the program's too: it ends as it likes."""
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGINT)
        child.wait(timeout=10)
        raise


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()
