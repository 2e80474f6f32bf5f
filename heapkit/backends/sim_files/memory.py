# SPDX-License-Identifier: MIT
"""Memory of the calling program, as the kernel reads and writes it."""

from __future__ import annotations

import errno

from heapkit.errors import refusal
from heapkit.ioctls import Argument


def copy_from_user(owner: str, argument: Argument, size: int) -> bytes:
    """The first ``size`` bytes; ``OSError(EFAULT)`` where they are not all there."""
    if size == 0:
        return b""
    if argument is None or memoryview(argument).nbytes < size:
        raise refusal(errno.EFAULT, f"{owner}: {_shown(argument)}, {size} are read")
    return bytes(memoryview(argument).cast("B")[:size])


def copy_to_user(owner: str, argument: Argument, data: bytes) -> None:
    """Write ``data``; ``OSError(EFAULT)`` where it has no place."""
    if not data:
        return
    if argument is None:
        raise refusal(errno.EFAULT, f"{owner}: {_shown(argument)}")
    view = memoryview(argument)
    if view.readonly or view.nbytes < len(data):
        what = f"{owner}: {_shown(argument)}, {len(data)} are written"
        raise refusal(errno.EFAULT, what)
    view.cast("B")[: len(data)] = data


def string_from_user(owner: str, argument: Argument, most: int) -> str:
    """strndup_user(): a C string of less than ``most`` bytes, or EINVAL; EFAULT.

    The end of ``argument`` is taken for the NUL, as fcntl.ioctl() adds one.
    """
    if argument is None:
        raise refusal(errno.EFAULT, f"{owner}: {_shown(argument)}")
    text = bytes(argument).partition(b"\0")[0]
    if len(text) >= most:
        what = f"{owner}: name {text!r} is longer than {most - 1} bytes"
        raise refusal(errno.EINVAL, what)
    return text.decode(errors="surrogateescape")


def _shown(argument: Argument) -> str:
    if argument is None:
        return "a NULL pointer"
    view = memoryview(argument)
    return f"{view.nbytes} {'read-only ' if view.readonly else ''}bytes"
