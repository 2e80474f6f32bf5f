# SPDX-License-Identifier: MIT
"""Which machine was measured, and why its times may not be believed.

Everything is read, nothing is set. ``root`` is where /proc and /sys lie: a captured
tree tells of another machine.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heapkit import _ffi
from heapkit.units import format_ns

# What a hypervisor answers to cpuid leaf 0x40000000.
HYPERVISORS = {
    "TCGTCGTCGTCG": "QEMU's TCG",
    "KVMKVMKVM": "KVM",
    "Microsoft Hv": "Hyper-V",
    "VMwareVMware": "VMware",
    "XenVMMXenVMM": "Xen",
    "bhyve bhyve ": "bhyve",
}
# One reading of the clock takes 20 to 100 ns where a counter of the CPU's answers;
# beyond this it has steps, or is asked of the kernel (assumed).
SLOW_CLOCK_NS = 2000
CLOCK_READINGS = 50  # ticks of 4 ms are waited for so often


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """The facts; "" where the machine does not say."""

    cpu: str
    cpus: int
    kernel: str
    arch: str
    page_bytes: int
    line_bytes: int  # of the data cache, as the CPU says; 0: it does not
    cache_bytes: int  # of the last level that this CPU has; 0: not said
    hypervisor: str
    vendor: str  # of the board, by its firmware
    governor: str
    turbo: str
    smt: str
    load: float  # of the last minute
    clock_ns: float  # one reading or step, whichever is longer: the median
    when: str  # ISO 8601

    @property
    def emulated(self) -> str:
        """Why this is an emulator, in a sentence; "" if nothing says so."""
        if "TCG" in self.hypervisor or "QEMU TCG" in self.cpu:
            return "QEMU's TCG translates every instruction of this machine."
        if self.vendor in {"linux,dummy-virt", "QEMU"} and not self.hypervisor:
            return "The board is QEMU's, which may translate every instruction."
        return ""

    @property
    def virtual(self) -> str:
        """Why this is a virtual machine, in a sentence; "" if nothing says so."""
        if not self.hypervisor or self.emulated:
            return ""
        name = HYPERVISORS.get(self.hypervisor, self.hypervisor)
        return f"This is a virtual machine ({name}): its times are those of a guest."

    @property
    def slow_clock(self) -> str:
        """Why the clock is too coarse, in a sentence; "" if it is fine enough."""
        if self.clock_ns <= SLOW_CLOCK_NS:
            return ""
        return (
            f"The clock cannot tell moments within {format_ns(self.clock_ns)} apart: "
            "nothing shorter can be timed."
        )

    @property
    def reading_ns(self) -> float:
        """What each time has in it of the clock itself; a step is no reading."""
        return 0.0 if self.slow_clock else self.clock_ns

    @property
    def settings(self) -> str:
        """What was found of governor, turbo and SMT, which nothing here changes."""
        named = {"governor": self.governor, "turbo": self.turbo, "SMT": self.smt}
        told = [f"{name} {value}" for name, value in named.items() if value]
        return ", ".join(told) or "governor, turbo and SMT cannot be read"

    def __str__(self) -> str:
        return f"{self.cpu or self.arch}, {self.cpus} CPUs, Linux {self.kernel}"


def this_machine(root: str | os.PathLike[str] = "/") -> Machine:
    """The machine that this process runs on, or as a tree of files tells of it."""
    proc, sys = Path(root) / "proc", Path(root) / "sys"
    clock = float(np.median(_ffi.measure_clock(CLOCK_READINGS)))
    cpu = sys / "devices/system/cpu"
    return Machine(
        cpu=_cpu_model(_text(proc / "cpuinfo")),
        cpus=len(os.sched_getaffinity(0)),
        kernel=_text(proc / "sys/kernel/osrelease") or os.uname().release,
        arch=os.uname().machine,
        page_bytes=os.sysconf("SC_PAGESIZE"),
        line_bytes=_ffi.line_bytes(),
        cache_bytes=_last_cache(cpu / "cpu0/cache"),
        hypervisor=_hypervisor(_text(proc / "cpuinfo"), sys),
        vendor=_vendor(proc, sys),
        governor=_text(cpu / "cpu0/cpufreq/scaling_governor"),
        turbo=_turbo(cpu),
        smt=_text(cpu / "smt/control"),
        load=float((_text(proc / "loadavg").split() or ["0"])[0]),
        clock_ns=clock,
        when=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
    )


def available_bytes(root: str | os.PathLike[str] = "/") -> int:
    """MemAvailable, in bytes; all memory where the kernel does not say."""
    found = re.search(r"MemAvailable: *(\d+) kB", _text(Path(root) / "proc/meminfo"))
    if found:
        return int(found[1]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""


def _cpu_model(cpuinfo: str) -> str:
    """The "model name" of x86, the "Model" of a Raspberry Pi, or a part's number."""
    for key in ("model name", "Model", "Hardware", "CPU part"):
        found = re.search(rf"^{key}\s*: *(.+)$", cpuinfo, re.MULTILINE)
        if found:
            return found[1] if key != "CPU part" else f"CPU part {found[1]}"
    return ""


def _hypervisor(cpuinfo: str, sys: Path) -> str:
    named = _ffi.hypervisor() or _text(sys / "hypervisor/type")
    if named:
        return named
    flags = re.search(r"^flags\s*: *(.+)$", cpuinfo, re.MULTILINE)
    return "unnamed" if flags and "hypervisor" in flags[1].split() else ""


def _vendor(proc: Path, sys: Path) -> str:
    """Of DMI, or the device tree's first ``compatible`` of the root."""
    dmi = _text(sys / "class/dmi/id/sys_vendor")
    return dmi or _text(proc / "device-tree/compatible").split("\0")[0]


def _turbo(cpu: Path) -> str:
    if boost := _text(cpu / "cpufreq/boost"):
        return "on" if boost == "1" else "off"
    if no_turbo := _text(cpu / "intel_pstate/no_turbo"):
        return "off" if no_turbo == "1" else "on"
    return ""


def _last_cache(cache: Path) -> int:
    """Bytes of the highest level, of data or unified."""
    sizes = {}
    for index in sorted(cache.glob("index*")):
        size = re.fullmatch(r"(\d+)K", _text(index / "size"))
        level = _text(index / "level")
        if size and level.isdigit() and _text(index / "type") != "Instruction":
            sizes[int(level)] = int(size[1]) * 1024
    return sizes[max(sizes)] if sizes else 0
