# SPDX-License-Identifier: MIT
"""What this machine offers: ``hk.doctor()``. It looks, and changes nothing."""

from __future__ import annotations

import dataclasses
import os
import shutil
import sys
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapkit.backends import live
from heapkit.backends.live import nodes as device_nodes
from heapkit.board import Board
from heapkit.errors import BackendUnavailable
from heapkit.introspection.look import READERS
from heapkit.introspection.source import ABSENT, AS_ROOT, DEBUGFS, READ, Source, ask
from heapkit.introspection.tables import table
from heapkit.introspection.tree import Tree
from heapkit.replay import replay

if TYPE_CHECKING:
    import pandas as pd

# Their versions are looked up without importing them.
PACKAGES = ("heapkit", "numpy", "cffi", "pandas", "pyarrow", "bokeh", "jupyterlab")

YES, PART, NO = "yes", "in part", "no"
TRACING = "/sys/kernel/tracing"
_CPUINFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Offer:
    """A capability and its ``state``: "yes", "in part" or "no".

    ``why`` is what was found, and ``remedy`` the one command or kernel option that
    would give what is missing; empty where nothing is, or where nothing would.
    """

    capability: str
    state: str
    why: str
    remedy: str = ""


@dataclass(frozen=True)
class Doctor:
    """What a machine offers, and why it does not offer the rest."""

    offers: tuple[Offer, ...]
    versions: dict[str, str]
    heaps: tuple[str, ...]
    missing_heaps: str | None
    simulation_fault: str | None

    def offer(self, capability: str) -> Offer:
        """One of :attr:`offers` by its name; KeyError if there is none."""
        return {offer.capability: offer for offer in self.offers}[capability]

    def facts(self) -> dict[str, Any]:
        """Everything, for JSON."""
        fault = self.simulation_fault
        return {
            "versions": self.versions,
            "simulation": {"works": fault is None, "fault": fault},
            "live": {"heaps": list(self.heaps), "missing": self.missing_heaps},
            "offers": [dataclasses.asdict(offer) for offer in self.offers],
        }

    def to_frame(self) -> pd.DataFrame:
        """One row per capability."""
        import pandas as pd

        return pd.DataFrame([dataclasses.asdict(offer) for offer in self.offers])

    def _repr_html_(self) -> str:
        heads = ("capability", "state", "what was found", "what would give it")
        rows = [dataclasses.astuple(offer) for offer in self.offers]
        said = ", ".join(f"{name} {text}" for name, text in self.versions.items())
        return f"{table(heads, rows)}<p>{escape(said)}</p>"

    def __repr__(self) -> str:
        lines = [f"{o.state:8} {o.capability}: {o.why}" for o in self.offers]
        return "\n".join(lines)


def doctor() -> Doctor:
    """What this machine offers, what is missing, and what would give it.

    A row per capability, from the compiled core over the kernel's heaps and every
    source of :func:`heapkit.introspect` to the tools of the test suites. Nothing is
    changed, and no root is needed: what only root may see is said to be so.
    """
    fault = _simulation_fault()
    heaps, missing = _live_heaps()
    rows = [_simulation(fault), *_heaps(heaps, missing), *_nodes()]
    rows += [*_mounts(), *_sources(), *_tools(), _processor()]
    return Doctor(tuple(rows), _versions(), tuple(heaps), missing, fault)


# --- The package ----------------------------------------------------------------


def _simulation_fault() -> str | None:
    """What is wrong with the compiled core; None if a small replay is as it should."""
    from heapkit.workloads import camera_boot

    try:
        replay(camera_boot(launches=1), Board.preset("phone-8g"), check_every=100)
    except (RuntimeError, ValueError, OSError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def _simulation(fault: str | None) -> Offer:
    if fault:
        return Offer("simulated heaps", NO, fault, "make build")
    why = "a trace was replayed and every invariant checked"
    return Offer("simulated heaps", YES, why)


def _versions() -> dict[str, str]:
    versions = {name: version(name) for name in PACKAGES}
    versions["python"] = sys.version.split()[0]
    versions["kernel"] = f"{os.uname().sysname} {os.uname().release}"
    return versions


def version(package: str) -> str:
    """The version that is installed, in words if none is."""
    from importlib import metadata

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


# --- The kernel -----------------------------------------------------------------


def _live_heaps() -> tuple[list[str], str | None]:
    """The names of the kernel's heaps, and in one sentence why there are none."""
    try:
        with live.live() as heaps:
            return list(heaps), None
    except (BackendUnavailable, OSError) as error:
        return [], str(error)


def _heaps(heaps: list[str], missing: str | None) -> list[Offer]:
    """The heaps together, then those that are there and may not be opened."""
    if missing:
        way = "make live: a kernel that has them, in QEMU"
        return [Offer("DMA-BUF heaps", NO, missing, way)]
    rows = [Offer("DMA-BUF heaps", YES, ", ".join(heaps))]
    nodes = sorted(Path(live.DIRECTORY).iterdir())
    others = (node for node in nodes if node.name not in heaps)
    rows.extend(_denied(f"heap {node.name}", node) for node in others)
    return rows


def _nodes() -> list[Offer]:
    """Device nodes beside the heaps."""
    udmabuf = "CONFIG_UDMABUF (Linux 4.20 and later)"
    kvm = "a machine with KVM; make live is emulated without it"
    return [
        _node("udmabuf", Path(live.UDMABUF), udmabuf),
        _node("KVM", Path(device_nodes.KVM), kvm),
    ]


def _node(capability: str, node: Path, needs: str) -> Offer:
    if not node.exists():
        return Offer(capability, NO, f"there is no {node}", needs)
    if not os.access(node, os.R_OK | os.W_OK):
        return _denied(capability, node)
    return Offer(capability, YES, f"{node} may be opened")


def _denied(capability: str, node: Path) -> Offer:
    why = f"{node} may not be opened by this user"
    return Offer(capability, NO, why, f"sudo setfacl -m u:{os.geteuid()}:rw {node}")


def _sources() -> list[Offer]:
    """What introspection can read, each with what it would give."""
    tree = Tree()
    return [_source(ask(reader, tree, strict=False)[1]) for reader in READERS]


def _source(source: Source) -> Offer:
    capability = f"introspection: {source.name}"
    if source.status == READ and not source.why:
        return Offer(capability, YES, source.gives)
    state = NO if source.status == ABSENT else PART
    why = f"{source.why}; it would give {source.gives}"
    return Offer(capability, state, why, source.remedy)


def _mounts() -> list[Offer]:
    """The file systems that kernels put their insides into."""
    tracing = _mount("tracefs", TRACING, "CONFIG_FTRACE", "sudo heapkit record")
    return [_mount("debugfs", DEBUGFS, "CONFIG_DEBUG_FS", AS_ROOT), tracing]


def _mount(kind: str, path: str, needs: str, as_root: str) -> Offer:
    try:
        there = any(Path(path).iterdir())
    except PermissionError:
        return Offer(kind, NO, f"only root may read {path}", as_root)
    except OSError:
        return Offer(kind, NO, f"there is no {path}", needs)
    if not there:
        mount = f"sudo mount -t {kind} none {path}"
        return Offer(kind, NO, "it is not mounted", mount)
    return Offer(kind, YES, f"{path} may be read")


# --- The tools ------------------------------------------------------------------


def _tools() -> list[Offer]:
    install = "sudo apt-get install"
    return [
        _tool("make live", "qemu-system-x86_64", f"{install} qemu-system-x86"),
        _tool("tests in a browser", "chromium", f"{install} chromium"),
    ]


def _tool(capability: str, program: str, remedy: str) -> Offer:
    path = os.environ.get(program.upper()) or shutil.which(program)
    if path is None:
        return Offer(capability, NO, f"there is no {program}", remedy)
    return Offer(capability, YES, path)


def _processor() -> Offer:
    """Whether times that are measured here are of a processor or of a program."""
    capability = "times to believe in"
    text = _CPUINFO.read_text(errors="replace") if _CPUINFO.exists() else ""
    if "QEMU" in text:
        why = "the processor is emulated: 20 to 100 times slower, and unevenly"
        return Offer(capability, NO, why, "run on the machine itself, or with KVM")
    if "hypervisor" in text:
        why = "a virtual machine: others may take the processor while it is timed"
        return Offer(capability, PART, why, "run on the machine itself")
    return Offer(capability, YES, "no hypervisor shows itself")
