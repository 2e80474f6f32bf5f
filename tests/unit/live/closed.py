# SPDX-License-Identifier: MIT
"""Whether a descriptor is open."""

from __future__ import annotations

import os


def closed(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return True
    return False
