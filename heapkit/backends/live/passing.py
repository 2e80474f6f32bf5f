# SPDX-License-Identifier: MIT
"""A descriptor through a unix socket: unix(7), SCM_RIGHTS."""

from __future__ import annotations

import errno
import os
import socket
import struct
from typing import Final

from heapkit.backends import unix_socket
from heapkit.backends.descriptor import refused
from heapkit.backends.live import identity
from heapkit.errors import refusal

_PAYLOAD: Final = b"\0"  # a stream carries no message without a byte
_INT: Final = struct.Struct("i")


def send(owner: str, sock: socket.socket, fd: int) -> None:
    """Pass ``fd``; the message holds a reference until it is read or thrown away."""
    checked = unix_socket.checked(owner, sock)
    with refused(f"{owner}: send fd {fd}"):
        socket.send_fds(checked, [_PAYLOAD], [fd])


def receive(owner: str, sock: socket.socket) -> int:
    """A dma-buf's descriptor, which closes on exec; errors as LiveHeaps.receive."""
    checked = unix_socket.checked(owner, sock)
    with refused(f"{owner}: receive"):
        data, fds, flags = _message(checked)
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


def _message(sock: socket.socket) -> tuple[bytes, list[int], int]:
    """One byte and what came with it. socket.recv_fds() of 3.11 ignores its flags."""
    room = socket.CMSG_LEN(_INT.size)
    data, ancillary, flags, _ = sock.recvmsg(1, room, socket.MSG_CMSG_CLOEXEC)
    fds = [
        _INT.unpack_from(found, at)[0]
        for level, kind, found in ancillary
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
        for at in range(0, len(found) - _INT.size + 1, _INT.size)
    ]
    return data, fds, flags


def _wrong_with(data: bytes, fds: list[int], flags: int) -> int:
    if flags & socket.MSG_CTRUNC:
        return errno.EMSGSIZE if fds else errno.EMFILE
    if fds:
        return 0
    return errno.EBADMSG if data else errno.ECONNRESET
