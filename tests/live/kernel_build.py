# SPDX-License-Identifier: MIT
"""Build the kernel of ``cma``, once a machine: 6 to 12 minutes on two processors.

The source is Debian's, the configuration ``make tinyconfig`` with ``cma.config`` over
it. It is built in a directory that is gone afterwards (2.5 GB while it is there).
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live import kernels
from tests.live.debian import RigError, ask, unpacked

INSTALL = Path(__file__).resolve().parents[2] / ".ci" / "system-packages"
LIMIT = 3600  # seconds for make
TELL_EVERY = 30  # seconds
TAIL = 15  # lines of a failed step

Say = Callable[[str], object]


def build(say: Say) -> Path:
    """The built kernel's place in the cache; ``say`` is told how it goes."""
    kept = kernels.own()
    if kept.exists():
        return kept
    with _alone(kernels.cache() / "linux-cma.lock", say):
        if not kept.exists():
            _install(say)
            with tempfile.TemporaryDirectory(prefix="heapkit-linux-") as scratch:
                _build(Path(scratch), kept, say)
    return kept


@contextmanager
def _alone(lock: Path, say: Say) -> Iterator[None]:
    """One build at a time: the second waits, and finds what the first has built."""
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another process builds the kernel: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(say: Say) -> None:
    say("the packages that a kernel is built with")
    if subprocess.run([INSTALL, "kernel"], check=False).returncode:
        raise RigError("the kernel cannot be built without the packages above")


def _build(scratch: Path, kept: Path, say: Say) -> None:
    say(f"downloading {kernels.SOURCE_PACKAGE} (150 MB)")
    tree = unpacked(kernels.SOURCE_PACKAGE, scratch)
    say("unpacking it (1.7 GB)")
    source = _unpack(tree, scratch)
    configure(source)
    say("compiling it: 6 to 12 minutes on two processors")
    _make(source, scratch / "log", say)
    finished = kept.with_suffix(f".{os.getpid()}")
    try:
        ask("strip", "-o", str(finished), str(source / "vmlinux"))
        finished.replace(kept)
    finally:
        finished.unlink(missing_ok=True)


def _unpack(tree: Path, scratch: Path) -> Path:
    (archive,) = tree.glob("usr/src/linux-source-*.tar.xz")
    source = scratch / "source"
    source.mkdir()
    ask("tar", "-xf", str(archive), "-C", str(source), "--strip-components=1")
    shutil.rmtree(tree)
    return source


def configure(source: Path) -> None:
    """Tiny, and what cma.config says; a RigError if the source did not take it all."""
    ask("make", "-s", "tinyconfig", cwd=source)
    merge = ("scripts/kconfig/merge_config.sh", "-m", ".config", str(kernels.CONFIG))
    ask(*merge, cwd=source)
    ask("make", "-s", "olddefconfig", cwd=source)
    wrong = differences(kernels.CONFIG.read_text(), (source / ".config").read_text())
    if wrong:
        raise RigError(f"this Linux does not take cma.config's {', '.join(wrong)}")


def differences(asked: str, taken: str) -> list[str]:
    """The options of ``asked`` that have another value in ``taken``."""
    has = options(taken)
    return [o for o, value in options(asked).items() if has.get(o, "n") != value]


def options(config: str) -> dict[str, str]:
    """Each option of a .config and its value; "n" where it says "is not set"."""
    unset = re.findall(r"^# (CONFIG_\w+) is not set$", config, flags=re.MULTILINE)
    values = re.findall(r"^(CONFIG_\w+)=(.*)$", config, flags=re.MULTILINE)
    return dict.fromkeys(unset, "n") | dict(values)


def _make(source: Path, log: Path, say: Say) -> None:
    jobs = f"-j{os.cpu_count()}"
    command = ["timeout", f"{LIMIT}", "nice", "make", jobs, "vmlinux"]
    with log.open("wb") as out:
        making = subprocess.Popen(
            command,
            cwd=source,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        try:
            _watch(making, log, say)
        finally:
            making.terminate()
            making.wait()
    if making.returncode:
        last = "\n".join(log.read_text(errors="replace").splitlines()[-TAIL:])
        raise RigError(f"the kernel did not build; make's last words:\n{last}")


def _watch(making: subprocess.Popen[bytes], log: Path, say: Say) -> None:
    """Until it has ended, say now and then how far it is."""
    start = time.monotonic()
    while True:
        try:
            making.wait(timeout=TELL_EVERY)
        except subprocess.TimeoutExpired:
            compiled = log.read_bytes().count(b"\n  CC ")
            say(f"  {compiled} files compiled, {time.monotonic() - start:.0f} s")
        else:
            return
