# SPDX-License-Identifier: MIT
"""Which process a memory cgroup is charged through, by rules to choose from.

A cgroup is charged as long as a buffer lives; the simulator never refuses because
of a limit (:func:`over_limit` says where a kernel would have had to).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heapkit.arguments import choice, integer, wrong
from heapkit.board_parts import CmaHeap, SystemHeap
from heapkit.holdings import lives, process_codes, received

if TYPE_CHECKING:
    import pandas as pd

    from heapkit.run import Run


@dataclass(frozen=True)
class Charge:
    """A rule: what is charged, whether a kernel does so, and where that is from."""

    text: str
    status: str
    source: str

    def __str__(self) -> str:
        return f"{self.text} ({self.status}: {self.source})"


#: The rules by name. Only those that are *merged* are some kernel's.
CHARGES: Mapping[str, Charge] = {
    "none": Charge(
        "nothing is charged",
        "merged",
        "the default of every heap",
    ),
    "allocator": Charge(
        "a system heap's pages, to the process that allocates",
        "merged",
        "dma-buf heaps' mem_accounting=1, __GFP_ACCOUNT, commits bb33013b, 3c227be9",
    ),
    "charge_pid_fd": Charge(
        "a system heap's pages, to the process that the allocator names: assumed to "
        "be the first one it shares the buffer with",
        "proposal",
        "RFC of A. Esteve, 2026-05, a field charge_pid_fd of the ioctl",
    ),
    "dmem": Charge(
        "a CMA heap's pages, to the process that allocates",
        "proposal",
        "dmem charging of the CMA heap, in flight in 2026",
    ),
    "core": Charge(
        "every dma-buf, to the process that allocates",
        "proposal",
        "MEMCG_DMABUF, charging in the dma-buf core, in flight in 2026",
    ),
}

_HEAPS: Mapping[str, tuple[type, ...]] = {
    "none": (),
    "allocator": (SystemHeap,),
    "charge_pid_fd": (SystemHeap,),
    "dmem": (CmaHeap,),
    "core": (object,),
}


@dataclass(frozen=True, eq=False)
class Charged:
    """Charges of ``size`` bytes to ``process`` from event ``start`` to ``end``."""

    processes: tuple[str, ...]
    process: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    size: NDArray[np.int64]


def charges(run: Run, charge: str) -> Charged:
    """What the rule ``charge`` charges, ascending by ``start``."""
    choice("accounting", "charge", charge, tuple(CHARGES))
    found = lives(run)
    codes, names = process_codes(run)
    process = codes[found.start]
    if charge == "charge_pid_fd":
        process = received(run, found)
    kinds = [isinstance(heap, _HEAPS[charge]) for heap in run.board.heaps]
    here = np.array([*kinds, False])[found.heap]
    rows = (process, found.start, found.end, found.size)
    return Charged(names, *(column[here] for column in rows))


def over_limit(
    run: Run, limits: Mapping[str, int], *, charge: str = "allocator"
) -> pd.DataFrame:
    """The ALLOCs after which a process is charged for more than its limit.

    ``limits`` has bytes by process. A kernel would have refused them, or had
    reclaimed first; the run went on as if there were no limit, so that what comes
    after the first of a process may be too many. ``frame.attrs["charge"]`` says
    whether the rule is the kernel's or a proposal.
    """
    import pandas as pd

    made = charges(run, charge)
    for name, limit in limits.items():
        if name not in made.processes:
            allowed = ", ".join(made.processes) or "no process"
            raise wrong("over_limit", "limits", name, allowed)
        integer("over_limit", f"limits[{name!r}]", limit)
    parts = [_beyond(made, name, limit) for name, limit in limits.items()]
    event = np.concatenate([e for e, _ in parts] or [np.zeros(0, np.int64)])
    charged = np.concatenate([c for _, c in parts] or [np.zeros(0, np.int64)])
    who = [name for name, part in zip(limits, parts, strict=True) for _ in part[0]]
    frame = pd.DataFrame(
        {
            "event": event,
            "time_ns": run["time_ns"][event],
            "process": who,
            "buffer": run["buffer"][event],
            "size": run["size"][event],
            "charged": charged,
            "limit": [int(limits[name]) for name in who],
        }
    )
    frame.attrs["charge"] = str(CHARGES[charge])
    return frame.sort_values("event", kind="stable", ignore_index=True)


def _beyond(
    made: Charged, name: str, limit: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The events that take ``name`` above ``limit``, and what is charged then."""
    mine = made.process == made.processes.index(name)
    start, end, size = made.start[mine], made.end[mine], made.size[mine]
    ended = np.argsort(end)
    given_back = np.append(0, np.cumsum(size[ended]))
    before = np.searchsorted(end[ended], start)
    charged = np.cumsum(size) - given_back[before]
    over = charged > limit
    return start[over], charged[over]
