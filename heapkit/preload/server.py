# SPDX-License-Identifier: MIT
"""The server of a run: one thread that answers the programs' sides of the preload.

Whoever sends what is no request, or does not take an answer, loses its connection
and nothing else. The end of a connection is the end of a process, or its exec().
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Final

from heapkit.preload.host import Host
from heapkit.preload.protocol import REQUEST, Reply, packed, parse

# A process is told to be gone a little before its files are: when, in seconds after
# its connection ended, they are looked at again.
AFTER_AN_END: Final = (0.0, 0.002, 0.02, 0.1)
# Buffers whose last reference went where nobody looks (a program without the
# preload, a message never received) are found this often.
SWEEP_EVERY: Final = 0.25
# More connections than a board's programs have; more than that is a mistake.
MOST_CONNECTIONS: Final = 4096
_CREDENTIALS: Final = struct.Struct("iII")


class Server:
    """Listens at ``path`` from the beginning on, and answers once started."""

    def __init__(self, host: Host, path: Path) -> None:
        self._host = host
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(os.fspath(path))
        self._listener.listen(128)
        self._listener.settimeout(0)
        self._stop, self._stopped = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._stopped, selectors.EVENT_READ)
        self._processes: dict[socket.socket, str] = {}
        self._sweeps: list[float] = []
        self._last_sweep = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="heapkit-preload")
        self.error: BaseException | None = None
        self.processes: set[str] = set()

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Answer no more; what programs ask from then on is ENODEV."""
        self._stop.close()
        if self._thread.ident is not None:
            self._thread.join()
        for connection in (*self._processes, self._listener, self._stopped):
            connection.close()
        self._selector.close()

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        except BaseException as error:  # noqa: BLE001 - told by who waits for the run
            self.error = error
            for connection in (*self._processes, self._listener):
                connection.close()

    def _turn(self) -> bool:
        for key, _ in self._selector.select(self._timeout()):
            if key.fileobj is self._stopped:
                return False
            assert isinstance(key.fileobj, socket.socket)
            if key.fileobj is self._listener:
                self._accept()
            else:
                self._serve(key.fileobj)
        self._sweep_in_time()
        return True

    def _timeout(self) -> float | None:
        if self._sweeps:
            return max(min(self._sweeps) - time.monotonic(), 0)
        return SWEEP_EVERY if self._host.memory else None

    def _sweep_in_time(self) -> None:
        now = time.monotonic()
        due = any(moment <= now for moment in self._sweeps)
        self._sweeps = [moment for moment in self._sweeps if moment > now]
        if due or now >= self._last_sweep + SWEEP_EVERY:
            self._host.sweep()
            self._last_sweep = now

    # --- Connections ---------------------------------------------------------------

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            # Gone again, or no descriptor is left: one may be given back.
            time.sleep(0.01)
            return
        if len(self._processes) >= MOST_CONNECTIONS:
            connection.close()
            return
        connection.settimeout(0)
        name = _process_at(connection)
        self._processes[connection] = name
        self.processes.add(name)
        self._selector.register(connection, selectors.EVENT_READ)

    def _serve(self, connection: socket.socket) -> None:
        try:
            packet = connection.recv(REQUEST.size + 1)
        except BlockingIOError:
            return
        except OSError:
            packet = b""
        try:
            request = parse(packet)
        except ValueError:
            # An empty packet is the end of the connection; any other is no request.
            self._drop(connection)
            return
        self._send(connection, self._host.answer(request, self._processes[connection]))

    def _send(self, connection: socket.socket, reply: Reply) -> None:
        files = [] if reply.file is None else [reply.file]
        try:
            socket.send_fds(connection, [packed(reply)], files, socket.MSG_DONTWAIT)
        except OSError:
            self._drop(connection)
        finally:
            for file in files:
                os.close(file)

    def _drop(self, connection: socket.socket) -> None:
        self._selector.unregister(connection)
        del self._processes[connection]
        connection.close()
        now = time.monotonic()
        self._sweeps += [now + after for after in AFTER_AN_END]


def _process_at(connection: socket.socket) -> str:
    """Who is at the other end, as "comm:pid"."""
    credentials = connection.getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size
    )
    pid, _, _ = _CREDENTIALS.unpack(credentials)
    comm = "?"
    with contextlib.suppress(OSError):
        comm = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
    return f"{comm}:{pid}"
