# SPDX-License-Identifier: MIT
"""Unmodified programs on simulated heaps: :func:`run`, and ``heapkit run``.

A library that is loaded before libc (native/preload/) gives a program a
/dev/dma_heap with the heaps of a board. Its processes ask one server, a thread of this
process: ``protocol`` is what they say, ``server`` who listens, ``host`` what is
answered, ``nodes`` the files behind it, ``recording`` the trace. docs/preload.md
says what is caught and what is not.
"""

from heapkit.preload.host import Held
from heapkit.preload.running import Outcome, run

__all__ = ["Held", "Outcome", "run"]
