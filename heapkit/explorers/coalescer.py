# SPDX-License-Identifier: MIT
"""Latest wins: a picture is drawn again only when the last one has been seen.

Nothing between a kernel and a browser holds a sender back: updates queue up in
the page, and a slider that was dragged for three seconds is followed for half a
minute (docs/decisions/0040-latest-wins-with-an-answer.md). So every push carries
a number, the browser answers with the number it has painted, and what was asked
meanwhile is drawn once, in its latest form.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

MIN_INTERVAL_S = 1 / 60
# A page that is hidden paints nothing and answers nothing. Two pictures a second
# then keep it current at a cost that a closed page may cause for nothing.
PATIENCE_S = 0.5


class Coalescer:
    """Calls ``draw(number)`` for requests, at most one unanswered at a time.

    Thread-safe. Until a browser has answered once (:meth:`painted`), a request
    is drawn before :meth:`request` returns. Afterwards it waits for the answer
    to the picture before it, or for ``patience`` seconds. Drawing may happen on
    the thread of the request, of an answer, or of a timer; never on two at once.
    """

    def __init__(
        self,
        draw: Callable[[int], None],
        *,
        min_interval: float = MIN_INTERVAL_S,
        patience: float = PATIENCE_S,
    ) -> None:
        self._draw = draw
        self._min_interval, self._patience = min_interval, patience
        self._lock = threading.Lock()
        self._wanted = False
        self._drawing = False
        self._closed = False
        self._answered = False
        self._sent = 0
        self._seen = 0
        self._sent_at = 0.0
        self._timer: threading.Timer | None = None

    @property
    def sent(self) -> int:
        """Pictures drawn so far: the number of the latest."""
        return self._sent

    @property
    def seen(self) -> int:
        """The number of the latest picture that a browser says it painted."""
        return self._seen

    def request(self) -> None:
        """Ask for a picture of the state as it is when its turn comes."""
        with self._lock:
            self._wanted = True
        self._go_on()

    def painted(self, number: int) -> None:
        """The browser's answer; repeated and late answers do no harm."""
        with self._lock:
            self._answered = True
            self._seen = max(self._seen, min(number, self._sent))
        self._go_on()

    def flush(self) -> None:
        """Draw what is waiting now, without waiting for an answer.

        The caller holds the lock that ``draw`` takes: a request that another
        thread has taken but not yet drawn is drawn here as well.
        """
        with self._lock:
            due = (self._wanted or self._drawing) and not self._closed
            if not due:
                return
            self._wanted = False
            self._sent += 1
            number = self._sent
        self._draw(number)

    def close(self) -> None:
        """Draw nothing any more."""
        with self._lock:
            self._closed, self._wanted = True, False
            if self._timer:
                self._timer.cancel()

    def _go_on(self) -> None:
        while self._start():
            self._finish()

    def _start(self) -> bool:
        """Take the waiting request; False where there is none or it must wait."""
        with self._lock:
            if not self._wanted or self._drawing or self._closed:
                return False
            delay = self._delay()
            if delay > 0:
                self._wake_after(delay)
                return False
            self._wanted, self._drawing = False, True
            self._sent += 1
            return True

    def _finish(self) -> None:
        try:
            self._draw(self._sent)
        finally:
            with self._lock:
                self._drawing = False
                self._sent_at = time.monotonic()

    def _delay(self) -> float:
        if not self._answered:
            return 0.0
        pause = self._min_interval if self._seen >= self._sent else self._patience
        return self._sent_at + pause - time.monotonic()

    def _wake_after(self, delay: float) -> None:
        if self._timer and self._timer.is_alive():
            self._timer.cancel()
        self._timer = threading.Timer(delay, self._go_on)
        self._timer.daemon = True
        self._timer.start()
