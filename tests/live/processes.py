# SPDX-License-Identifier: MIT
"""Processes that end with the block that started them, and at a limit anyway."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.live.debian import RigError

VIRTIOFSD = (Path("/usr/lib/qemu/virtiofsd"), Path("/usr/libexec/virtiofsd"))


def virtiofsd() -> Path | None:
    """The file server of a guest's root."""
    return next((path for path in VIRTIOFSD if path.exists()), None)


@contextmanager
def child(
    command: Sequence[str], log: Path, limit: float
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, and after ``limit`` seconds anyway.

    timeout(1) ends it even if this interpreter is killed; it passes SIGTERM on.
    """
    bounded = ["timeout", "--kill-after=5", f"{limit:g}", *command]
    with log.open("wb") as out:
        process = subprocess.Popen(
            bounded, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def shared(source: Path, socket: Path, log: Path, limit: float) -> Iterator[None]:
    """A virtiofsd that serves ``source``; QEMU connects to its socket."""
    # The root is read-only to the guest, so what it has read stays true.
    cache = "always" if source == Path("/") else "none"
    command = [str(virtiofsd()), f"--socket-path={socket}", "-o", f"source={source}"]
    command += ["-o", f"cache={cache}", "-o", "sandbox=chroot", "-f"]
    with child(command, log, limit) as daemon:
        while not socket.exists():
            if daemon.poll() is not None:
                raise RigError(f"virtiofsd for {source}: {log.read_text()}")
            time.sleep(0.02)
        yield
