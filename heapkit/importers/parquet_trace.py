# SPDX-License-Identifier: MIT
"""heapkit's own traces, as :meth:`heapkit.Trace.write` leaves them."""

from __future__ import annotations

from pathlib import Path

from heapkit.trace import Trace

name = "trace"
title = "heapkit's own trace (Parquet) -> Trace"

_MAGIC = b"PAR1"


def recognise(head: bytes) -> bool:
    """Whether it is a Parquet file."""
    return head.startswith(_MAGIC)


def read(path: Path) -> Trace:
    """The trace in the Parquet file at ``path``."""
    return Trace.read(path)
