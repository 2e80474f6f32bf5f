# SPDX-License-Identifier: MIT
"""The sockets that files can be passed through."""

from __future__ import annotations

import errno
import socket

from heapkit.arguments import wrong
from heapkit.errors import refusal


def checked(owner: str, sock: object) -> socket.socket:
    """A unix socket. Any other would take the bytes and lose the descriptor."""
    if not isinstance(sock, socket.socket) or sock.family != socket.AF_UNIX:
        raise wrong(owner, "sock", sock, "a unix socket: socket.socketpair()")
    return sock


def hung_up(owner: str) -> OSError:
    """The error for a socket whose other end is closed."""
    return refusal(errno.ECONNRESET, f"{owner}: the other end of the socket is closed")
