# SPDX-License-Identifier: MIT
"""QEMU's command lines: a machine for each kernel of the rig.

``stock`` is a PC with virtio-pci, and its directories come over virtiofs, for that is
what Debian's cloud kernel has built in. ``cma`` is a microvm: no firmware, no PCI, no
decompression, directories over 9p.
"""

from __future__ import annotations

import os
from pathlib import Path

QEMU = "qemu-system-x86_64"
INIT = Path(__file__).with_name("guest-init.sh")
MEMORY = "512M"  # what the OOM killer's test has to fill
CMA = os.environ.get("HEAPKIT_CMA", "64M")
# x86-64-v2, which numpy wants, and what writes cache lines back. "max" costs a third
# more of a processor: what it adds (AVX, SMAP, five levels of pages) is emulated too.
CPU = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+clflushopt,+clwb"
TAGS = ("root", "output")


def line(
    name: str, image: Path, output: Path, *, accel: str = "tcg", sockets: Path
) -> list[str]:
    """The machine that boots ``image`` with ``output`` as its /mnt.

    ``sockets`` is where the virtiofsd of each tag listens; only stock uses it.
    """
    cpu = CPU if accel == "tcg" else "host"
    command = [QEMU, "-accel", accel, "-cpu", cpu, "-m", MEMORY]
    command += ["-nodefaults", "-no-user-config", "-display", "none", "-net", "none"]
    command += ["-no-reboot", "-serial", f"file:{output / 'console.log'}"]
    command += {"stock": _pc(sockets), "cma": _microvm(output)}[name]
    return [*command, "-kernel", str(image), "-append", arguments(name)]


def _pc(sockets: Path) -> list[str]:
    """A q35. vhost-user needs the memory to be shared."""
    command = ["-object", f"memory-backend-memfd,id=ram,size={MEMORY},share=on"]
    command += ["-machine", "q35,memory-backend=ram"]
    for tag in TAGS:
        command += ["-chardev", f"socket,id={tag},path={sockets / tag}"]
        command += ["-device", f"vhost-user-fs-pci,chardev={tag},tag={tag}"]
    return command


def _microvm(output: Path) -> list[str]:
    """The modern virtio-mmio; the paths of all file systems below / are one tree."""
    command = ["-machine", "microvm,acpi=off,rtc=on"]
    command += ["-global", "virtio-mmio.force-legacy=false"]
    for tag, path in zip(TAGS, (Path("/"), output), strict=True):
        mode = ",readonly=on" if tag == "root" else ""
        share = f"local,id={tag},path={path},security_model=none,multidevs=remap"
        command += ["-fsdev", share + mode]
        command += ["-device", f"virtio-9p-device,fsdev={tag},mount_tag={tag}"]
    return command


def arguments(name: str) -> str:
    """The kernel's. A panic ends the guest at once (-no-reboot).

    On a loaded machine an emulated timer may not tick in the moment in which the
    kernel checks it, which would be a panic (no_timer_check).
    """
    root = {
        "stock": "rootfstype=virtiofs",
        "cma": "rootfstype=9p reboot=t "
        "rootflags=trans=virtio,version=9p2000.L,msize=512000,cache=loose "
        f"cma={CMA}",
    }
    return (
        f"console=ttyS0 quiet panic=-1 oops=panic no_timer_check ro "
        f"root=root {root[name]} "
        f'init="{INIT}" heapkit.kernel={name}'
    )
