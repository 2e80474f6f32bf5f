# SPDX-License-Identifier: MIT
"""What goes wrong, as exceptions.

A wrong argument is a :class:`ValueError` that names it, its value and what is
allowed. What a kernel would refuse is an :class:`OSError` with its errno.
"""

from __future__ import annotations

import errno
import os


class FormatError(ValueError):
    """A file is not what it should be. Nothing of it was returned."""

    def __init__(
        self, message: str, *, path: object = None, line: int = 0, text: str = ""
    ) -> None:
        where = f"{path or '<text>'}:{line}: " if line else f"{path or '<text>'}: "
        shown = f": {text[:120]!r}" if text else ""
        super().__init__(where + message + shown)
        self.path, self.line, self.text = path, line, text


class BackendUnavailable(RuntimeError):
    """A backend cannot start here; the message is one sentence that says why."""


class UnknownName(ValueError, KeyError):
    """A mapping has no such key: a wrong argument and a missing key at once.

    ``Mapping.get`` and ``in`` live by the KeyError; the rest of the package
    calls a wrong argument a ValueError.
    """

    def __str__(self) -> str:
        # KeyError would quote the message.
        return str(self.args[0])


class UnknownEvent(ValueError, IndexError):
    """A run has no such event: a wrong argument and an index at once."""


class InvariantError(RuntimeError):
    """The C core broke one of its own rules: a bug in heapkit."""


class InvalidArgument(OSError, ValueError):
    """EINVAL: the kernel's own word for a wrong argument, so it is both.

    The precedent is :class:`io.UnsupportedOperation`.
    """


def refusal(code: int, what: str) -> OSError:
    """The exception for a kernel-like refusal: ``refusal(ENOMEM, "camera: 8 MiB")``."""
    text = f"{os.strerror(code)}: {what}"
    if code == errno.EINVAL:
        return InvalidArgument(code, text)
    return OSError(code, text)
