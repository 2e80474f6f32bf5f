# SPDX-License-Identifier: MIT
"""Every check there is, in the order in which it is asked."""

from __future__ import annotations

from typing import Final

from heapkit.conformance import (
    alloc,
    buffers,
    commands,
    files,
    mapping,
    memory,
    selftest,
    sync_files,
    udmabuf,
)
from heapkit.conformance.check import Check

CHECKS: Final[tuple[Check, ...]] = (
    *selftest.CHECKS,
    *alloc.CHECKS,
    *commands.CHECKS,
    *buffers.CHECKS,
    *sync_files.CHECKS,
    *files.CHECKS,
    *mapping.CHECKS,
    *memory.CHECKS,
    *udmabuf.CHECKS,
)
