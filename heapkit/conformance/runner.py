# SPDX-License-Identifier: MIT
"""Asks every check of every heap; nothing that a heap does ends the run."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from heapkit.arguments import boolean, wrong
from heapkit.backends.live import LiveHeap, LiveHeaps, LiveUdmabuf
from heapkit.backends.sim import SimHeaps
from heapkit.board import Board
from heapkit.conformance import live_subject, sim_subject
from heapkit.conformance.catalogue import CHECKS
from heapkit.conformance.check import Check, NotCarried, Skip
from heapkit.conformance.kernels import release_of, simulated
from heapkit.conformance.known import expected, known_differences
from heapkit.conformance.platform import REFERENCE, Platform, version_of
from heapkit.conformance.report import NOT_CARRIED, NOT_OK, OK, SKIP, Report, Row
from heapkit.conformance.subject import Subject, kind_of_name

SHOW_PROGRESS_AFTER_S: Final = 1.0
# The slowest answer is that of 64 buffers of 1 MiB in an emulated machine: seconds.
PATIENCE_S: Final = 120.0
BY_NAME: Final = (
    "it may cost a process its life: name it in checks, with dangerous=True"
)


def run(
    heaps: Any,
    heap: str | Sequence[str] | None = None,
    *,
    kernel: str | None = None,
    checks: str | Sequence[str] | None = None,
    dangerous: bool = False,
    patience_s: float = PATIENCE_S,
    progress: bool | None = None,
) -> Report:
    """Ask the heaps what Linux's own selftest asks, and each row of the errno table.

    ``heaps`` are those of :func:`heapkit.simulate` or :func:`heapkit.live`, the heap of
    :func:`heapkit.udmabuf`, or a :class:`heapkit.Board`, which is simulated as the
    kernel of that name (:func:`heapkit.conformance.kernels`). ``heap`` leaves out all
    but these. ``kernel`` is whose answers are right: a release such as "7.3", by
    default the running one's, or 6.12, which the simulation is modelled on.

    ``checks`` are ids or patterns such as "mmap.*". A check that may cost a process its
    life is asked only if it is named there in full, and ``dangerous`` is True; then a
    child asks, which the OOM killer takes first.

    No exception of a heap ends the run: it is "not ok" with its text. A heap without an
    answer for ``patience_s`` seconds is not asked again. ``progress`` None shows a bar
    if it takes longer than a second.
    """
    boolean("conformance", "dangerous", dangerous)
    chosen = _chosen(checks)
    opened = simulated(heaps, kernel) if isinstance(heaps, Board) else None
    with opened or nullcontext():
        subjects = _subjects(heaps if opened is None else opened, heap)
        platform = _platform(subjects, kernel)
        asking = _Asking(platform, _allowed(checks, dangerous=dangerous), patience_s)
        pairs = [(s, c) for s in subjects for c in chosen if _concerns(c, s)]
        rows = [asking.row(*pair) for pair in _shown(pairs, progress=progress)]
    return Report(platform, tuple(rows))


def _chosen(checks: str | Sequence[str] | None) -> list[Check]:
    patterns = ["*"] if checks is None else _names("checks", checks)
    for pattern in patterns:
        if not any(fnmatchcase(check.id, pattern) for check in CHECKS):
            groups = ", ".join(dict.fromkeys(f"{c.group}.*" for c in CHECKS))
            raise wrong("conformance", "checks", pattern, f"{groups}, or a check's id")
    return [c for c in CHECKS if any(fnmatchcase(c.id, p) for p in patterns)]


def _concerns(check: Check, subject: Subject) -> bool:
    return not check.kinds or subject.kind in check.kinds


def _allowed(checks: str | Sequence[str] | None, *, dangerous: bool) -> frozenset[str]:
    """The dangerous checks that were asked for by their names."""
    if not dangerous or checks is None:
        return frozenset()
    return frozenset(_names("checks", checks))


def _names(argument: str, names: object) -> list[str]:
    found = [names] if isinstance(names, str) else names
    if not isinstance(found, Sequence) or not all(isinstance(n, str) for n in found):
        raise wrong("conformance", argument, names, "a name or a sequence of names")
    return list(found)


# --- Who is asked ------------------------------------------------------------


def _subjects(heaps: Any, heap: str | Sequence[str] | None) -> list[Subject]:
    if isinstance(heaps, (LiveUdmabuf, LiveHeap)):
        heaps = {heaps.name: heaps}
    if not isinstance(heaps, Mapping):
        allowed = "what hk.simulate(), hk.live() or hk.udmabuf() gave, or a board"
        raise wrong("conformance", "heaps", heaps, allowed)
    names = list(heaps) if heap is None else _names("heap", heap)
    if not names:
        raise wrong("conformance", "heap", heap, f"one of {', '.join(heaps)}")
    return [_subject(heaps, name) for name in names]


def _subject(heaps: Mapping[str, Any], name: str) -> Subject:
    if isinstance(heaps, SimHeaps):
        return sim_subject.SimSubject(heaps[name], heaps)
    one = heaps[name]
    if isinstance(one, (LiveHeap, LiveUdmabuf)):
        whole = heaps if isinstance(heaps, LiveHeaps) else None
        return live_subject.LiveSubject(one, whole)
    return Subject(one, kind=kind_of_name(name))


def _platform(subjects: Sequence[Subject], kernel: str | None) -> Platform:
    first = subjects[0]
    features: Mapping[str, bool] = {}
    if isinstance(first, sim_subject.SimSubject):
        features = sim_subject.features(first)
    if isinstance(first, live_subject.LiveSubject):
        features = live_subject.features(first)
    known = os.uname().release if first.backend == "live" else REFERENCE
    release = known if kernel is None else release_of(kernel)
    version_of(release)
    return Platform(backend=first.backend, kernel=release, features=features)


# --- Asking ------------------------------------------------------------------


@dataclass
class _Asked:
    """What came back from one question; nothing yet."""

    answer: str = ""
    verdict: str = ""
    reason: str = ""


class _Asking:
    """One run: what is right, what is allowed, and who did not answer."""

    def __init__(
        self, platform: Platform, allowed: frozenset[str], patience_s: float
    ) -> None:
        self._platform, self._allowed, self._patience = platform, allowed, patience_s
        self._differences = known_differences()
        self._silent: dict[str, str] = {}

    def row(self, subject: Subject, check: Check) -> Row:
        """One check of one heap."""
        right, _ = expected(check, subject.kind, self._platform, self._differences)
        asked = self._asked(subject, check)
        if not asked.verdict:
            asked.verdict = OK if asked.answer in right else NOT_OK
        return Row(
            heap=subject.name,
            kind=subject.kind,
            check=check.id,
            title=check.title,
            did=check.did,
            source=check.source,
            expected=right,
            answer=asked.answer,
            verdict=asked.verdict,
            reason=asked.reason,
        )

    def _asked(self, subject: Subject, check: Check) -> _Asked:
        if before := self._silent.get(subject.name):
            return _Asked(verdict=SKIP, reason=f"no answer came to {before}")
        if check.dangerous and check.id not in self._allowed:
            return _Asked(verdict=SKIP, reason=BY_NAME)
        if lacking := subject.lacks(check.needs):
            return _Asked(verdict=SKIP, reason=lacking)
        asked = _Asked()
        # A thread of its own: what hangs is left behind, and ends with the process.
        asking = threading.Thread(
            target=_ask, args=(subject, check, asked), name=check.id, daemon=True
        )
        asking.start()
        asking.join(self._patience)
        if asking.is_alive():
            self._silent[subject.name] = check.id
            reason = f"no answer within {self._patience:g} s"
            return _Asked(verdict=NOT_OK, reason=reason)
        return asked


def _ask(subject: Subject, check: Check, asked: _Asked) -> None:
    """Whatever happens is put into ``asked``."""
    try:
        try:
            asked.answer = check.answer(subject)
        finally:
            subject.clean()
    except Skip as reason:
        asked.verdict, asked.reason = SKIP, str(reason)
    except NotCarried as reason:
        asked.verdict, asked.reason = NOT_CARRIED, str(reason)
    except BaseException as error:  # noqa: BLE001 -- a heap must not end the run
        asked.verdict = NOT_OK
        asked.reason = f"{type(error).__name__}: {_text_of(error)}"


def _text_of(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())
    except Exception:  # noqa: BLE001 -- its text is the heap's, too
        return "without a text"


def _shown(
    pairs: Sequence[tuple[Subject, Check]], *, progress: bool | None
) -> Iterator[tuple[Subject, Check]]:
    if progress is False:
        yield from pairs
        return
    from tqdm import tqdm

    delay = 0 if progress else SHOW_PROGRESS_AFTER_S
    shown: Iterable[Any] = tqdm(pairs, unit="check", delay=delay, leave=False)
    yield from shown
