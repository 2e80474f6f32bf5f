# SPDX-License-Identifier: MIT
"""The processes of /proc, which come and go while they are read."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from heapkit.introspection.tree import Tree

T = TypeVar("T")

# What reading below /proc/PID says of a process that has ended.
_GONE = (errno.ENOENT, errno.ESRCH, errno.ENOTDIR)


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its number and its ``comm``, which may hold any character."""

    pid: int
    comm: str


@dataclass
class Walk:
    """How many processes were read, and how many may not be."""

    read: int = 0
    unreadable: int = 0


def walk(
    tree: Tree, walked: Walk, ask: Callable[[Tree, int], tuple[T, ...]]
) -> Iterator[tuple[Process, T]]:
    """What ``ask(tree, pid)`` finds in every process that may be read.

    A process that has ended is passed over; one that is another user's is counted
    in ``walked``. ``comm`` is only read where something was found.
    """
    for pid in pids(tree):
        try:
            found = ask(tree, pid)
            process = Process(pid, _comm(tree, pid)) if found else None
        except PermissionError:
            walked.unreadable += 1
            continue
        except OSError as error:
            if error.errno not in _GONE:
                raise
            continue
        walked.read += 1
        if process is not None:
            yield from ((process, one) for one in found)


def pids(tree: Tree) -> list[int]:
    """The numbers of the processes, ascending."""
    names = tree.entries("proc")
    return sorted(int(name) for name in names if name.isascii() and name.isdecimal())


def _comm(tree: Tree, pid: int) -> str:
    return tree.text(f"proc/{pid}/comm").removesuffix("\n")


def missed(walked: Walk) -> str:
    """In words, who was not read; empty if all were."""
    if not walked.unreadable:
        return ""
    plural = "process is" if walked.unreadable == 1 else "processes are"
    return (
        f"{walked.unreadable} {plural} not readable: "
        "root or CAP_SYS_PTRACE would show them"
    )
