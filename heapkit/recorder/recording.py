# SPDX-License-Identifier: MIT
"""A recording that runs beside the program: started, stopped, resumed."""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from heapkit.arguments import integer, wrong
from heapkit.introspection.source import Source
from heapkit.recorder.polling import Area
from heapkit.recorder.session import Session, Told, now_ns
from heapkit.recorder.tracepoints import MAX_ORDER

SAMPLES = 10_000  # that are kept for a live view; older ones go
INTERVAL_S = 0.1
_LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """How it stood after a step: seconds since the start, counts, bytes by heap.

    Before a ``resumed`` one lies a pause.
    """

    seconds: float
    events: int
    lost: int
    held: dict[str, int]
    areas: dict[str, Area]
    resumed: bool = False


class Recording:
    """What the heaps of this machine are asked, on its way into the file ``path``.

    A context manager and a handle: :meth:`stop` leaves a whole trace in ``path``,
    :meth:`resume` goes on after it. A thread of its own does the work; where that
    fails, the file is ended, :attr:`error` says why and :meth:`stop` raises it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        interval: float = INTERVAL_S,
        pages: int | None = None,
        cma_heaps: Sequence[str] = (),
        root: str | os.PathLike[str] = "/",
    ) -> None:
        if not 0.001 <= interval <= _LONGEST_S:
            allowed = f"0.001 to {_LONGEST_S:.0f} seconds"
            raise wrong("record", "interval", interval, allowed)
        if pages is not None:
            integer("record", "pages", pages, high=MAX_ORDER)
        self.path = Path(path)
        self._interval, self._pages, self._root = interval, pages, Path(root)
        self._cma_heaps = tuple(cma_heaps)
        self._told = Told()
        self._session: Session | None = None
        self._thread: threading.Thread | None = None
        self._stopping, self._ended = threading.Event(), threading.Event()
        self._lock = threading.RLock()
        self._watchers: tuple[Callable[[], None], ...] = ()
        self._raised: BaseException | None = None
        self._origin_ns = self._stopped_ns = 0
        self.error: BaseException | None = None
        self.samples: deque[Sample] = deque(maxlen=SAMPLES)

    # --- Starting and stopping --------------------------------------------------

    def start(self) -> Self:
        """Begin; :class:`heapkit.BackendUnavailable` where there is nothing to read.

        A file that is at ``path`` is replaced when the recording ends.
        """
        with self._lock:
            if self._session is not None:
                raise ValueError("Recording: it was started; allowed: resume()")
            self._origin_ns = now_ns()
            self._go(None)
        return self

    def resume(self) -> Self:
        """Go on after a :meth:`stop`, in the same file.

        What is held now is known only by the lists: at this instant every buffer
        ends, and those that are there begin. Copies the file, in constant memory.
        """
        with self._lock:
            if self._session is None or self.running:
                raise ValueError("Recording: it runs or never did; allowed: a stopped")
            self._join()
            self._told.pauses.append([self._since(self._stopped_ns), self.elapsed_ns])
            try:
                self._go(self._session)
            except BaseException:
                self._told.pauses.pop()
                raise
        return self

    def _go(self, before: Session | None) -> None:
        self._session = Session(
            self.path,
            root=self._root,
            pages_order=self._pages,
            told=self._told,
            origin_ns=self._origin_ns,
            ledger=before.ledger if before else None,
            cma_heaps=self._cma_heaps,
        )
        self.error = self._raised = None
        self._stopping.clear()
        self._ended.clear()
        self._sample(self._session, resumed=before is not None)
        atexit.register(self._at_exit)
        self._thread = threading.Thread(
            target=self._run, args=(self._session,), name="heapkit-record", daemon=True
        )
        self._thread.start()

    def stop(self) -> Self:
        """Stop and leave a whole file; again does nothing.

        Raises what ended the recording before, if anything did, once.
        """
        with self._lock:
            self._stopping.set()
            self._join()
        if self.error is not None and self._raised is not self.error:
            self._raised = self.error
            raise self.error
        return self

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None
            atexit.unregister(self._at_exit)

    def _at_exit(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def __enter__(self) -> Self:
        return self if self._session is not None else self.start()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self.stop()
        except BaseException:
            # What ended the block comes first.
            if kind is None:
                raise

    def _run(self, session: Session) -> None:
        try:
            try:
                while not self._stopping.wait(self._interval) and not session.full:
                    self._step(session)
                if not session.full:
                    self._step(session)
            finally:
                self._stopped_ns = now_ns()
                session.close()
        except BaseException as error:  # noqa: BLE001  # kept, and raised by stop()
            self.error = error
        self._ended.set()
        self._tell()

    def _step(self, session: Session) -> None:
        session.step()
        self._sample(session)

    def _sample(self, session: Session, *, resumed: bool = False) -> None:
        held = dict(session.ledger.held_bytes)
        seconds = self._since(now_ns()) / 1e9
        events, areas = session.events, session.areas
        self.samples.append(Sample(seconds, events, self.lost, held, areas, resumed))
        self._tell()

    def watch(self, sampled: Callable[[], None]) -> None:
        """Call ``sampled`` after each sample and at the end, on the thread of either.

        It must not raise, nor wait for this recording.
        """
        self._watchers = (*self._watchers, sampled)

    def unwatch(self, sampled: Callable[[], None]) -> None:
        """Call it no more."""
        self._watchers = tuple(w for w in self._watchers if w != sampled)

    def _tell(self) -> None:
        for sampled in self._watchers:
            sampled()

    # --- How it stands ----------------------------------------------------------

    def _since(self, time_ns: int) -> int:
        return time_ns - self._origin_ns

    @property
    def running(self) -> bool:
        """Whether its thread is at work."""
        begun = self._thread is not None and self._thread.is_alive()
        return begun and not self._ended.is_set()

    @property
    def full(self) -> bool:
        """Whether the disk became full, which ended it."""
        return self._session is not None and self._session.full

    @property
    def status(self) -> str:
        """In a word or two how it is: running, stopped, disk full, or failed."""
        if self.error is not None:
            return f"failed: {type(self.error).__name__}: {self.error}"
        if self.running:
            return "running"
        return "disk full" if self.full else "stopped" if self._session else "new"

    @property
    def events(self) -> int:
        """Events of the trace so far."""
        return self._session.events if self._session else 0

    @property
    def lost(self) -> int:
        """Events that the kernel says it lost before they were read."""
        return self._told.lost

    @property
    def unparsed(self) -> int:
        """Lines of tracefs that are none; ``first_unparsed`` is the first of them."""
        return self._told.unparsed

    @property
    def first_unparsed(self) -> str:
        """The first line that was none; empty if there was none."""
        return self._told.first_unparsed

    @property
    def refused(self) -> int:
        """Requests that the kernel refused."""
        return self._session.ledger.counts["refused"] if self._session else 0

    @property
    def present(self) -> int:
        """Buffers that were there when it began."""
        return self._told.present

    @property
    def elapsed_ns(self) -> int:
        """Nanoseconds since the start, up to the end if it has ended."""
        if self._session is None:
            return 0
        return self._since(now_ns() if self.running else self._stopped_ns or now_ns())

    @property
    def elapsed(self) -> float:
        """Seconds since the start, up to the end if it has ended."""
        return self.elapsed_ns / 1e9

    @property
    def sources(self) -> tuple[Source, ...]:
        """What is read, and what each of the others would give and needs."""
        return self._session.sources if self._session else ()

    def __repr__(self) -> str:
        return (
            f"<Recording of {self.events} events in {self.elapsed:.1f} s, "
            f"{self.lost} lost, {self.status}: {self.path}>"
        )


def record(
    path: str | os.PathLike[str],
    *,
    interval: float = INTERVAL_S,
    pages: int | None = None,
    cma_heaps: Sequence[str] = (),
    root: str | os.PathLike[str] = "/",
) -> Recording:
    """Record what this machine's heaps are asked into the trace ``path``.

    It is started already; ``with`` stops it. Tracepoints are read where tracefs and
    the right to it are there, the kernel's list of buffers every ``interval``
    seconds. ``pages`` is the smallest order of the page allocator's blocks that are
    recorded too, by default none. ``cma_heaps`` are heaps that hand out of a CMA area
    of another name: its events tell of their buffers. ``root`` is another place of
    /proc and /sys.

    :class:`heapkit.BackendUnavailable` where there is nothing to record, with what
    would give it; ``OSError`` where ``path`` cannot be written.
    """
    return Recording(
        path, interval=interval, pages=pages, cma_heaps=cma_heaps, root=root
    ).start()
