# SPDX-License-Identifier: MIT
"""References on their way through a unix socket: unix(7), SCM_RIGHTS.

The socket is a real one, but a simulated buffer is no file of the process: what goes
through it is a number, under which the sender's heaps keep the reference. So it can
be received from the same heaps only. Unlike the kernel, nobody notices when a socket
is closed with a message in it: the reference then stays until the heaps are closed.
"""

from __future__ import annotations

import errno
import socket
import struct
from itertools import count
from typing import Final, Generic, TypeVar

from heapkit.backends import unix_socket
from heapkit.errors import refusal

R = TypeVar("R")

_MESSAGE: Final = struct.Struct("=8sQQ")  # what it is, whose, which
_owners = count(1)


class Passing(Generic[R]):
    """References that were sent and not received yet."""

    def __init__(self) -> None:
        self._owner, self._next = next(_owners), count(1)
        self._sent: dict[bytes, R] = {}

    def send(self, owner: str, sock: socket.socket, reference: R) -> None:
        """Keep ``reference`` until it is received."""
        checked = unix_socket.checked(owner, sock)
        message = _MESSAGE.pack(b"heapkit", self._owner, next(self._next))
        checked.sendall(message)
        self._sent[message] = reference

    def receive(self, owner: str, sock: socket.socket) -> R:
        """What was sent; ``OSError``: EBADMSG for another message, ECONNRESET."""
        checked = unix_socket.checked(owner, sock)
        message = checked.recv(_MESSAGE.size)
        if not message:
            raise unix_socket.hung_up(owner)
        try:
            return self._sent.pop(message)
        except KeyError:
            what = f"{owner}: a message without a buffer of these heaps"
            raise refusal(errno.EBADMSG, what) from None
