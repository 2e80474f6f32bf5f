# SPDX-License-Identifier: MIT
"""A descriptor through a unix socket: unix(7), SCM_RIGHTS."""

from __future__ import annotations

import errno
import os
import socket

from heapkit.backends import unix_socket
from heapkit.backends.descriptor import refused
from heapkit.backends.live import identity
from heapkit.errors import refusal

_PAYLOAD = b"\0"  # a stream carries no message without a byte


def send(owner: str, sock: socket.socket, fd: int) -> None:
    """Pass ``fd``; the message holds a reference until it is read or thrown away."""
    checked = unix_socket.checked(owner, sock)
    with refused(f"{owner}: send fd {fd}"):
        socket.send_fds(checked, [_PAYLOAD], [fd])


def receive(owner: str, sock: socket.socket) -> int:
    """A dma-buf's descriptor, which closes on exec; errors as LiveHeaps.receive."""
    checked = unix_socket.checked(owner, sock)
    with refused(f"{owner}: receive"):
        data, fds, flags, _ = socket.recv_fds(checked, 1, 1, socket.MSG_CMSG_CLOEXEC)
    if code := _wrong_with(data, fds, flags):
        for fd in fds:
            os.close(fd)
        if code == errno.ECONNRESET:
            raise unix_socket.hung_up(owner)
        raise refusal(code, f"{owner}: a message with {len(fds)} descriptors or more")
    try:
        identity.exporter(fds[0])
    except OSError:
        os.close(fds[0])
        raise
    return fds[0]


def _wrong_with(data: bytes, fds: list[int], flags: int) -> int:
    if flags & socket.MSG_CTRUNC:
        return errno.EMSGSIZE if fds else errno.EMFILE
    if fds:
        return 0
    return errno.EBADMSG if data else errno.ECONNRESET
