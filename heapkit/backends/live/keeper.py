# SPDX-License-Identifier: MIT
"""Who closes what: a heap its buffers, the interpreter's end everything.

The end of a process closes its descriptors whatever happens, so that a notebook's
kernel may be restarted in any way, SIGKILL included. What is here is for a process
that goes on, and for one that ends in order: a buffer's memory comes back with the
last reference to it, and others may wait for it.
"""

from __future__ import annotations

import atexit
from weakref import WeakValueDictionary

from heapkit.backends.descriptor import Descriptor


class Keeper:
    """Closes the descriptors it was given, and keeps none of them alive."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._kept: WeakValueDictionary[int, Descriptor] = WeakValueDictionary()

    def keep(self, descriptor: Descriptor) -> None:
        """Close it with the others, and at the interpreter's end."""
        self._kept[id(descriptor)] = descriptor
        keep_open(descriptor)

    def close(self) -> None:
        """Close all that is still open."""
        _close_all(self._kept)


_everything: WeakValueDictionary[int, Descriptor] = WeakValueDictionary()


def keep_open(descriptor: Descriptor) -> None:
    """Close it at the interpreter's end, and not before."""
    _everything[id(descriptor)] = descriptor


def owner_of(fd: int) -> Descriptor | None:
    """Which of heapkit's objects will close ``fd``."""
    alive = (reference() for reference in _everything.valuerefs())
    return next((one for one in alive if one and vars(one).get("_fd") == fd), None)


def _close_all(kept: WeakValueDictionary[int, Descriptor]) -> None:
    # valuerefs() copies in one step: other threads may go on allocating.
    for reference in kept.valuerefs():
        if descriptor := reference():
            descriptor.close()


@atexit.register
def close_everything() -> None:
    """Close every descriptor of every heap; in a forked child, the child's own."""
    _close_all(_everything)
