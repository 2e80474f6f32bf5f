# SPDX-License-Identifier: MIT
"""Names that processes gave, which may hold line breaks and terminal commands."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""``text`` with everything that does not print written as ``\n`` or ``\x1b``."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )
