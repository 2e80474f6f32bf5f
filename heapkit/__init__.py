# SPDX-License-Identifier: MIT
"""A laboratory for Linux DMA-BUF heaps.

Bring a *board* (what memory a machine has) and a *trace* (which buffers were
asked for, when): :func:`replay` puts the one on the other, :func:`simulate` and
:func:`live` give heaps to allocate from, ``heapkit.explore`` shows them.

The parts that need Jupyter, bokeh, pandas or pyarrow are imported when they are
first asked for.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from heapkit.board import (
    Board,
    CarveoutHeap,
    ChunkHeap,
    CmaHeap,
    Device,
    Memory,
    PageLoad,
    PagePool,
    SecureHeap,
    SyncRules,
    SystemHeap,
    UdmabufHeap,
)
from heapkit.costs import Cost, Costs
from heapkit.errors import BackendUnavailable, FormatError, InvariantError
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.snapshot import BufferInfo, Observation, Region, Snapshot, State
from heapkit.trace import Op, Trace
from heapkit.units import GiB, KiB, MiB

if TYPE_CHECKING:
    from heapkit import (
        accounting,
        conformance,
        fallback,
        ion,
        metrics,
        notebook,
        validation,
        views,
        workloads,
    )
    from heapkit import explorers as explore
    from heapkit.backends.live import live, udmabuf
    from heapkit.backends.sim import simulate
    from heapkit.calibration import Calibration, calibrate
    from heapkit.file_run import FileRun
    from heapkit.findings import Findings, coherency
    from heapkit.importers import formats, read
    from heapkit.introspection.look import Introspection, introspect
    from heapkit.long_replay import replay_file
    from heapkit.long_trace import write_long
    from heapkit.offers import doctor
    from heapkit.samples import sample
    from heapkit.show import show
    from heapkit.sizing import Recommendation, Target, size
    from heapkit.trace_writer import TraceWriter

__all__ = [
    "BackendUnavailable",
    "Board",
    "BufferInfo",
    "Calibration",
    "CarveoutHeap",
    "ChunkHeap",
    "CmaHeap",
    "Cost",
    "Costs",
    "Device",
    "FileRun",
    "Findings",
    "FormatError",
    "GiB",
    "Introspection",
    "InvariantError",
    "KiB",
    "Memory",
    "MiB",
    "Observation",
    "Op",
    "PageLoad",
    "PagePool",
    "Recommendation",
    "Region",
    "Run",
    "SecureHeap",
    "Snapshot",
    "State",
    "SyncRules",
    "SystemHeap",
    "Target",
    "Trace",
    "TraceWriter",
    "UdmabufHeap",
    "accounting",
    "calibrate",
    "coherency",
    "conformance",
    "doctor",
    "explore",
    "fallback",
    "formats",
    "introspect",
    "ion",
    "live",
    "metrics",
    "notebook",
    "read",
    "replay",
    "replay_file",
    "sample",
    "sharing",
    "show",
    "simulate",
    "size",
    "udmabuf",
    "validation",
    "views",
    "workloads",
    "write_long",
]

# name -> (module, attribute of it; None for the module itself)
_LAZY: dict[str, tuple[str, str | None]] = {
    "accounting": ("heapkit.accounting", None),
    "Calibration": ("heapkit.calibration", "Calibration"),
    "FileRun": ("heapkit.file_run", "FileRun"),
    "Findings": ("heapkit.findings", "Findings"),
    "Introspection": ("heapkit.introspection.look", "Introspection"),
    "Recommendation": ("heapkit.sizing", "Recommendation"),
    "calibrate": ("heapkit.calibration", "calibrate"),
    "coherency": ("heapkit.findings", "coherency"),
    "conformance": ("heapkit.conformance", None),
    "doctor": ("heapkit.offers", "doctor"),
    "explore": ("heapkit.explorers", None),
    "fallback": ("heapkit.fallback", None),
    "formats": ("heapkit.importers", "formats"),
    "introspect": ("heapkit.introspection.look", "introspect"),
    "ion": ("heapkit.ion", None),
    "live": ("heapkit.backends.live", "live"),
    "metrics": ("heapkit.metrics", None),
    "notebook": ("heapkit.notebook", None),
    "read": ("heapkit.importers", "read"),
    "replay_file": ("heapkit.long_replay", "replay_file"),
    "sample": ("heapkit.samples", "sample"),
    "sharing": ("heapkit.sharing", None),
    "show": ("heapkit.show", "show"),
    "simulate": ("heapkit.backends.sim", "simulate"),
    "size": ("heapkit.sizing", "size"),
    "Target": ("heapkit.sizing", "Target"),
    "udmabuf": ("heapkit.backends.live", "udmabuf"),
    "validation": ("heapkit.validation", None),
    "views": ("heapkit.views", None),
    "TraceWriter": ("heapkit.trace_writer", "TraceWriter"),
    "workloads": ("heapkit.workloads", None),
    "write_long": ("heapkit.long_trace", "write_long"),
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("heapkit")
    if name not in _LAZY:
        raise AttributeError(f"module 'heapkit' has no attribute {name!r}")
    module, attribute = _LAZY[name]
    loaded = _import_module(module)
    value: object = loaded if attribute is None else getattr(loaded, attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
