# SPDX-License-Identifier: MIT
"""Boot a kernel that has DMA-BUF heaps and run one command of this machine in it.

The guest is Debian's own 6.12 kernel under QEMU. Its root is this machine's root,
shared read-only, so the guest runs the same interpreter, packages and checkout.
See docs/live.md, and docs/decisions/0030-a-stock-kernel-for-the-live-rig.md for
why it is made this way.

Environment: ``HEAPKIT_ACCEL`` (default ``tcg``), ``HEAPKIT_KERNEL`` (a bzImage to
boot instead of Debian's), ``HEAPKIT_LIVE_TIMEOUT`` (seconds for the whole guest).
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
QEMU = "qemu-system-x86_64"
VIRTIOFSD = (Path("/usr/lib/qemu/virtiofsd"), Path("/usr/libexec/virtiofsd"))
# Debian 12 (security) and 13. Each stands for the kernel of today.
KERNEL_PACKAGES = ("linux-image-6.12-cloud-amd64", "linux-image-cloud-amd64")
OLDEST = (6, 12)  # Debian's older kernels have no heaps
PACKAGES = "qemu-system-x86 qemu-system-common"
MEMORY = "1G"


class RigError(RuntimeError):
    """The guest could not be started."""


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


def missing() -> str | None:
    """What this machine lacks for the rig, in one sentence; None if nothing."""
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        return "the live rig runs on x86-64 Linux only"
    if os.geteuid() != 0:
        return "the live rig needs root, because virtiofsd shares the root directory"
    if shutil.which(QEMU) is None or _virtiofsd() is None:
        return f"the live rig needs QEMU and virtiofsd: apt-get install {PACKAGES}"
    if not os.environ.get("HEAPKIT_KERNEL") and shutil.which("apt-get") is None:
        return "the live rig needs Debian's apt-get, or a bzImage in HEAPKIT_KERNEL"
    return None


def _virtiofsd() -> Path | None:
    return next((path for path in VIRTIOFSD if path.exists()), None)


def kernel() -> Path:
    """Debian's 6.12 cloud kernel, downloaded once (34 MB) and kept.

    Everything the guest needs to reach its root is built into it, so there is no
    initramfs. apt verifies what it downloads.
    """
    if chosen := os.environ.get("HEAPKIT_KERNEL"):
        return Path(chosen)
    try:
        return _debian_kernel()
    except RigError:
        # A fresh machine has no index, an old one names versions that are gone.
        _ask("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=240", "update")
        return _debian_kernel()


def _debian_kernel() -> Path:
    package = _kernel_package()
    image = _cache() / f"{package}.bzImage"
    if not image.exists():
        _download(package, image)
    return image


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "heapkit" / "kernels"
    path.mkdir(parents=True, exist_ok=True)
    return path


def _kernel_package() -> str:
    """What a metapackage stands for; the name has the version."""
    for meta in KERNEL_PACKAGES:
        known = subprocess.run(
            ["apt-cache", "depends", meta], capture_output=True, text=True, check=False
        )
        for name in re.findall(r"Depends: (linux-image-\S+)", known.stdout):
            if version(name) >= OLDEST:
                return str(name)
    raise RigError(
        f"apt knows none of {', '.join(KERNEL_PACKAGES)} with Linux 6.12 or later: "
        "put a bzImage into HEAPKIT_KERNEL"
    )


def version(package: str) -> tuple[int, ...]:
    """(6, 12) of ``linux-image-6.12.48+deb13-cloud-amd64``."""
    found = re.match(r"linux-image-(\d+)\.(\d+)", package)
    return tuple(map(int, found.groups())) if found else ()


def _download(package: str, image: Path) -> None:
    with tempfile.TemporaryDirectory(dir=image.parent) as scratch:
        _ask("apt-get", "download", package, cwd=scratch)
        (archive,) = Path(scratch).glob("*.deb")
        _ask("dpkg-deb", "--extract", archive.name, "tree", cwd=scratch)
        images = list(Path(scratch).glob("tree/boot/vmlinuz-*"))
        if len(images) != 1 or images[0].stat().st_size == 0:
            raise RigError(f"{package} holds no kernel image")
        images[0].replace(image)


def _ask(*command: str, cwd: str | None = None) -> str:
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        raise RigError(f"{shlex.join(command)}: {done.stderr.strip()}")
    return done.stdout


def run(command: Sequence[str], output: Path, *, timeout: float = 0) -> Result:
    """Boot, run ``command`` from the repository's root as root, power off.

    ``output`` is /mnt in the guest, the only place it can write to. A guest that
    takes longer than ``timeout`` seconds is ended, and so is all it started.
    """
    limit = timeout or float(os.environ.get("HEAPKIT_LIVE_TIMEOUT", "480"))
    _write_command(command, output)
    start = time.monotonic()
    with ExitStack() as stack:
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for tag, source in (("root", Path("/")), ("output", output)):
            log = output / f"virtiofsd-{tag}.log"
            stack.enter_context(_shared(source, sockets / tag, log, limit))
        log = output / "qemu.log"
        guest = stack.enter_context(_child(_qemu(sockets, output), log, limit))
        guest.wait()
    status = output / "status"
    code = int(status.read_text()) if status.exists() else None
    return Result(code, time.monotonic() - start, output)


def _write_command(command: Sequence[str], output: Path) -> None:
    output.mkdir(parents=True, exist_ok=True)
    (output / "status").unlink(missing_ok=True)
    lines = [f"cd {shlex.quote(str(REPOSITORY))}", f"exec {shlex.join(command)}"]
    (output / "command.sh").write_text("\n".join(lines) + "\n")


@contextmanager
def _shared(source: Path, socket: Path, log: Path, limit: float) -> Iterator[None]:
    """A virtiofsd that serves ``source``; QEMU connects to its socket."""
    # The root is read-only to the guest, so what it has read stays true.
    cache = "always" if source == Path("/") else "none"
    command = [str(_virtiofsd()), f"--socket-path={socket}", "-o", f"source={source}"]
    command += ["-o", f"cache={cache}", "-o", "sandbox=chroot", "-f"]
    with _child(command, log, limit) as daemon:
        while not socket.exists():
            if daemon.poll() is not None:
                raise RigError(f"virtiofsd for {source}: {log.read_text()}")
            time.sleep(0.02)
        yield


@contextmanager
def _child(
    command: Sequence[str], log: Path, limit: float
) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block, and after ``limit`` seconds anyway.

    timeout(1) ends it even if this interpreter is killed; it passes SIGTERM on.
    """
    bounded = ["timeout", "--kill-after=5", f"{limit:g}", *command]
    with log.open("wb") as out:
        child = subprocess.Popen(
            bounded, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield child
    finally:
        child.terminate()
        child.wait(timeout=10)


def _qemu(sockets: Path, output: Path) -> list[str]:
    """The command line of the guest. vhost-user needs the memory to be shared."""
    accel = os.environ.get("HEAPKIT_ACCEL", "tcg")
    line = [QEMU, "-accel", accel, "-cpu", "max", "-m", MEMORY]
    line += ["-nodefaults", "-no-user-config", "-display", "none", "-net", "none"]
    line += ["-no-reboot", "-serial", f"file:{output / 'console.log'}"]
    line += ["-object", f"memory-backend-memfd,id=ram,size={MEMORY},share=on"]
    line += ["-machine", "q35,memory-backend=ram"]
    for tag in ("root", "output"):
        line += ["-chardev", f"socket,id={tag},path={sockets / tag}"]
        line += ["-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]
    return [*line, "-kernel", str(kernel()), "-append", _arguments()]


def _arguments() -> str:
    """The kernel's. A panic ends the guest at once (-no-reboot)."""
    return (
        "console=ttyS0 quiet panic=-1 oops=panic ro root=root rootfstype=virtiofs "
        f'init="{HERE / "guest-init.sh"}"'
    )


def main(command: Sequence[str]) -> int:
    """Run ``command`` in a guest and show what it wrote; 99 if it never ended."""
    if reason := missing():
        sys.exit(reason)
    with tempfile.TemporaryDirectory() as scratch:
        result = run(command, Path(scratch))
        sys.stdout.write(result.console)
        sys.stdout.write(f"status {result.status} after {result.seconds:.1f} s\n")
    return 99 if result.status is None else result.status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
