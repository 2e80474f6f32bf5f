# SPDX-License-Identifier: MIT
"""What a check is: one question to a heap, and the kernel's answer to it.

An answer is a short text of one form, whoever gives it: the errno's name ("EINVAL"),
"ok", or "ok" and what came back ("ok 8192"). A check's ``ask`` returns what came back,
None where there is nothing to say; an ``OSError`` is an answer, too.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heapkit.conformance.subject import Subject

# What a check may need of a heap; which kinds lack it is said in subject.LACKS.
ALLOC_IOCTL, ACCESS_MODES, CPU_ACCESS = "alloc_ioctl", "access_modes", "cpu_access"


class Skip(Exception):
    """The check makes no sense here; the message says why."""


class NotCarried(Exception):
    """The simulation has no such thing to ask; the message says what is missing."""


class Answer(str):
    """An answer that is not of the form "ok …"."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question. ``expected`` is the answer of a system heap on Linux 6.12.

    What other kinds of heaps and other kernels answer is data:
    ``data/conformance/known_differences.toml``. ``source`` names the kernel's function
    that has the rule. A ``dangerous`` check may cost a process its life, in the worst
    case another one than the one meant for it.
    """

    id: str
    title: str
    did: str
    source: str
    expected: str
    ask: Callable[[Subject], object]
    needs: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()  # of heaps that are asked; empty: all
    dangerous: bool = False

    @property
    def group(self) -> str:
        """The first word of the id."""
        return self.id.partition(".")[0]

    def answer(self, subject: Subject) -> str:
        """What ``subject`` answers; exceptions but OSError are the caller's."""
        try:
            said = self.ask(subject)
        except OSError as error:
            return error_name(error)
        if isinstance(said, Answer):
            return str(said)
        return "ok" if said is None else f"ok {said}"


class Group:
    """Makes the checks of one group: what most of them share is said once."""

    def __init__(
        self,
        name: str,
        *,
        source: str,
        needs: tuple[str, ...] = (),
        kinds: tuple[str, ...] = (),
    ) -> None:
        self._name, self._source = name, source
        self._needs, self._kinds = needs, kinds

    def __call__(
        self,
        name: str,
        title: str,
        did: str,
        expected: str,
        ask: Callable[[Subject], object],
        *,
        source: str = "",
        needs: tuple[str, ...] | None = None,
    ) -> Check:
        """One check; its id begins with the group's name."""
        return Check(
            id=f"{self._name}.{name}",
            title=title,
            did=did,
            source=source or self._source,
            expected=expected,
            ask=ask,
            needs=self._needs if needs is None else needs,
            kinds=self._kinds,
        )


def error_name(error: OSError) -> str:
    """EINVAL of an error with that number; raises one without a number again."""
    if error.errno is None:
        raise error
    return errno.errorcode.get(error.errno, f"errno {error.errno}")


def flags_text(value: int, names: Sequence[tuple[int, str]]) -> str:
    """The names of the bits, joined by "|"; what has no name is a number."""
    found = [name for bit, name in names if value & bit == bit]
    rest = value & ~sum(bit for bit, _ in names)
    return "|".join([*found, *([f"{rest:#x}"] if rest else [])]) or "0"
