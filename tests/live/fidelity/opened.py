# SPDX-License-Identifier: MIT
"""A recording as lines, whether it is compressed or not."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import TextIO


def opened(path: Path) -> TextIO:
    """For reading; ``.xz`` is unpacked."""
    lines: TextIO = (lzma.open if path.suffix == ".xz" else open)(path, "rt")
    return lines
