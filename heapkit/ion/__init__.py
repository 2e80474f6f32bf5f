# SPDX-License-Identifier: MIT
"""ION's terms on the same core: ids and masks, handles, its ioctls as data.

:class:`Client` is a program's side, :func:`trace` makes a trace of user-space chains
one of masks, so that one trace is replayed under both; :mod:`heapkit.ion.uapi` has
structs and numbers of each era. ION left Linux with 5.11.
"""

from __future__ import annotations

from heapkit.ion import uapi
from heapkit.ion.boards import board
from heapkit.ion.client import Client, HeapData
from heapkit.ion.traces import ids_of, masks, trace
from heapkit.ion.uapi import ERAS, AndroidHeapType, Flag, HeapType

__all__ = [
    "ERAS",
    "AndroidHeapType",
    "Client",
    "Flag",
    "HeapData",
    "HeapType",
    "board",
    "ids_of",
    "masks",
    "trace",
    "uapi",
]
