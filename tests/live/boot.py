# SPDX-License-Identifier: MIT
"""A guest: its root is this machine's, read-only, so that it runs this checkout."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from tests.live import kernels, machine, processes

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = "qemu-system-x86 qemu-system-common"
LIMIT = 1500.0  # seconds for a whole guest, which may share its processor with tests
PROBE_SECONDS = 10


@dataclass(frozen=True)
class Result:
    """What a guest left behind. ``status`` is None if the command never ended."""

    status: int | None
    seconds: float
    output: Path

    @property
    def console(self) -> str:
        """What QEMU said, then the guest's serial line with the command's output."""
        logs = (self.output / "qemu.log", self.output / "console.log")
        texts = [log.read_text(errors="replace") for log in logs if log.exists()]
        return "".join(texts)


def missing(name: str) -> str | None:
    """What this machine lacks for a guest, in one sentence; None if nothing."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return "the live rig runs on x86-64 Linux only"
    if shutil.which(machine.QEMU) is None:
        return f"the live rig needs QEMU: apt-get install {PACKAGES}"
    if name == "stock":
        if os.geteuid() != 0:
            return "the live rig needs root: virtiofsd shares the root directory"
        if processes.virtiofsd() is None:
            return f"the live rig needs virtiofsd: apt-get install {PACKAGES}"
    chosen = kernels.CHOSEN[name]
    if not os.environ.get(chosen) and shutil.which("apt-get") is None:
        return f"the live rig needs Debian's apt-get, or a kernel in {chosen}"
    return None


def accelerator(name: str) -> str:
    """QEMU's: what HEAPKIT_ACCEL says; kvm after a guest has ended on it.

    /dev/kvm may open and answer while a guest on it hangs (where it is nested), and
    QEMU does not fall back then.
    """
    chosen = os.environ.get("HEAPKIT_ACCEL", "tcg")
    if chosen != "kvm":
        return chosen
    with tempfile.TemporaryDirectory() as scratch:
        probe = ["true"]
        tried = run(name, probe, Path(scratch), accel="kvm", limit=PROBE_SECONDS)
    return "kvm" if tried.status == 0 else "tcg"


class Guest:
    """One that runs. It is ended with ``end()``, by ``wait()``, and at its limit."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        output: Path,
        *,
        accel: str,
        limit: float = 0,
    ) -> None:
        limit = limit or float(os.environ.get("HEAPKIT_LIVE_TIMEOUT", LIMIT))
        image = kernels.image(name)
        self.output = output
        _write_command(command, output)
        self._start = time.time()
        with ExitStack() as stack:
            sockets = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if name == "stock":
                _share(stack, sockets, output, limit)
            line = machine.line(name, image, output, accel=accel, sockets=sockets)
            log = output / "qemu.log"
            self._qemu = stack.enter_context(processes.child(line, log, limit))
            self._started = stack.pop_all()

    def wait(self) -> Result:
        """When it has powered off, or was ended at its limit."""
        self._qemu.wait()
        self.end()
        # It may have ended long ago: its last word is the time, not now.
        last = (self.output / "console.log", self.output / "qemu.log")
        end = max(log.stat().st_mtime for log in last if log.exists())
        status = self.output / "status"
        code = int(status.read_text()) if status.exists() else None
        return Result(code, end - self._start, self.output)

    def end(self) -> None:
        """End it with all it started; nothing if it has ended."""
        self._started.close()


def _share(stack: ExitStack, sockets: Path, output: Path, limit: float) -> None:
    for tag, source in zip(machine.TAGS, (Path("/"), output), strict=True):
        log = output / f"virtiofsd-{tag}.log"
        stack.enter_context(processes.shared(source, sockets / tag, log, limit))


def run(
    name: str,
    command: Sequence[str],
    output: Path,
    *,
    accel: str | None = None,
    limit: float = 0,
) -> Result:
    """Boot, run ``command`` from the repository's root as root, power off.

    ``output`` is /mnt in the guest, the only place it can write to. A guest that
    takes longer than ``limit`` seconds is ended, and so is all it started.
    """
    chosen = accel or accelerator(name)
    guest = Guest(name, command, output, accel=chosen, limit=limit)
    try:
        return guest.wait()
    finally:
        guest.end()


def _write_command(command: Sequence[str], output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    (output / "status").unlink(missing_ok=True)
    lines = [f"cd {shlex.quote(str(REPOSITORY))}", f"exec {shlex.join(command)}"]
    (output / "command.sh").write_text("\n".join(lines) + "\n")
