# SPDX-License-Identifier: MIT
"""When devices attach and map, and what is synchronised: policies on one trace.

An *intent* is a trace that says who reads and writes which buffers and nothing of
how that is made safe: ALLOC, FREE, SHARE, CPU_READ, CPU_WRITE, DEVICE_READ and
DEVICE_WRITE, as ``hk.workloads.uses()`` makes it. :func:`apply` adds the calls that a
policy makes around these, and :func:`compare` what each policy costs and gets wrong.

Policies:

pre-attach
    The upstream contract: all devices attach and map when a buffer is allocated,
    and the CPU brackets its accesses.
late-attach
    The same, but a device attaches and maps before its first use.
map-per-use
    As Android does: a device maps before each use and unmaps after it, so that
    nobody is mapped when the CPU looks.
lazy
    The calls of map-per-use on a board that remembers who has been there
    (:class:`heapkit.SyncRules`), as the 2019 thread asked for. No kernel has it.
partial
    pre-attach, with brackets of the bytes that the CPU touches. Vendor kernels only.
uncached
    pre-attach, with memory from heaps that are mapped write-combined.
no-sync
    pre-attach without brackets and with DMA_ATTR_SKIP_CPU_SYNC: broken on purpose.

A CPU write of anything but whole blocks of 128 bytes (ARCH_DMA_MINALIGN of arm64)
is bracketed for reading too, since the lines at its ends are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import READ_WRITE, Access, Op
from heapkit.arguments import choice, wrong
from heapkit.board import Board
from heapkit.comparison import Comparison
from heapkit.sharing_calls import Calls, Lives
from heapkit.sharing_costs import costs_of
from heapkit.trace import Trace
from heapkit.trace_columns import fault
from heapkit.trace_ops import rows_of

POLICIES = (
    *("pre-attach", "late-attach", "map-per-use", "lazy"),
    *("partial", "uncached", "no-sync"),
)
_EARLY = ("pre-attach", "partial", "uncached", "no-sync")
_PER_USE = ("map-per-use", "lazy")
_REFUSED = (Op.ATTACH, Op.DETACH, Op.MAP, Op.UNMAP, Op.BEGIN_CPU, Op.END_CPU)
_ON_DEVICE = (Op.DEVICE_READ, Op.DEVICE_WRITE)
_BLOCK = np.uint64(128)  # ARCH_DMA_MINALIGN, arch/arm64/include/asm/cache.h


def apply(trace: Trace, policy: str, *, devices: Sequence[str] | None = None) -> Trace:
    """The events of the intent ``trace``, with the calls that ``policy`` makes.

    A call has the time and the process of the event that it is made for. Policies
    that map at allocation map the ``devices`` for every buffer (None: for each
    buffer those that use it); others map late. ``ValueError`` if the trace has
    calls of its own, with the first of them.
    """
    _check("apply", trace, policy)
    lives = Lives(trace)
    calls = Calls(trace)
    early = _early(trace, lives, policy, devices)
    skip = int(Access.SKIP_SYNC) if policy == "no-sync" else 0
    _map(calls, lives, early, per_use=policy in _PER_USE, access=READ_WRITE | skip)
    if policy != "no-sync":
        _bracket(calls, trace, partial=policy == "partial")
    return calls.trace(sharing=policy)


def variant(board: Board, policy: str, trace: Trace) -> Board:
    """``board`` as ``policy`` needs it: lazy rules, or uncached heaps for ``trace``.

    ``ValueError`` where a heap that the trace asks for cannot be uncached.
    """
    choice("variant", "policy", policy, POLICIES)
    if policy == "lazy":
        return board.replace({"sync.lazy": True})
    if policy != "uncached":
        return board
    changes = {}
    for name in dict.fromkeys(h for chain in trace.heaps for h in chain.split("|")):
        if not hasattr(board.heap(name), "uncached"):
            allowed = "heaps that can be uncached"
            raise wrong("policy 'uncached'", "heap", name, allowed)
        changes[f"{name}.uncached"] = True
    return board.replace(changes)


def compare(
    trace: Trace,
    board: Board,
    policies: Sequence[str] = POLICIES,
    *,
    devices: Sequence[str] | None = None,
    progress: bool | None = None,
) -> Comparison:
    """Replay ``trace`` under each policy: what it costs, and what goes wrong.

    ``policies`` is one or several; ``devices`` are those that the policies which map
    at allocation map for every buffer. Each policy is replayed on the board that it
    needs (:func:`variant`).
    """
    if not isinstance(board, Board):
        raise wrong("compare", "board", board, "a heapkit.Board")
    named = (policies,) if isinstance(policies, str) else tuple(policies)
    rows = {}
    for policy in named:
        _check("compare", trace, policy)
        mapped = devices if policy in _EARLY else None
        shared = apply(trace, policy, devices=mapped)
        bench = variant(board, policy, trace)
        rows[policy] = costs_of(shared, bench, progress=progress)
    return Comparison(rows)


# --- The calls of a policy ---------------------------------------------------


def _check(owner: str, trace: object, policy: object) -> None:
    if not isinstance(trace, Trace):
        raise wrong(owner, "trace", trace, "a heapkit.Trace")
    choice(owner, "policy", policy, POLICIES)
    refused = rows_of(trace.op, _REFUSED)
    if refused.any():
        index = int(np.argmax(refused))
        allowed = "no calls of its own, only allocations, accesses and frees"
        raise fault("op", index, Op(int(trace.op[index])).name, allowed)


def _early(
    trace: Trace, lives: Lives, policy: str, devices: Sequence[str] | None
) -> NDArray[np.bool_]:
    """Which of the pairs of a buffer and a device are mapped at allocation."""
    if policy not in _EARLY:
        if devices is not None:
            allowed = f"None: {policy!r} maps no device at allocation"
            raise wrong("apply", "devices", devices, allowed)
        return np.zeros(len(lives.life), bool)
    if devices is None:
        return np.ones(len(lives.life), bool)
    given = (devices,) if isinstance(devices, str) else tuple(devices)
    for name in given:
        if name not in trace.devices:
            raise wrong("apply", "devices", given, f"some of {trace.devices}")
    codes = [trace.devices.index(name) for name in dict.fromkeys(given)]
    lives.add(codes)
    return np.isin(lives.device, codes)


def _map(
    calls: Calls,
    lives: Lives,
    early: NDArray[np.bool_],
    *,
    per_use: bool,
    access: int,
) -> None:
    """ATTACH and MAP of each pair, and what undoes them before the last FREE."""
    device, number = lives.device, lives.number
    born, first = lives.start[lives.life], lives.first_use
    calls.add(born[early], 1 + 2 * number[early], Op.ATTACH, device[early])
    calls.add(born[early], 2 + 2 * number[early], Op.MAP, device[early], access)
    late = ~early
    calls.add(first[late], -3, Op.ATTACH, device[late])
    if per_use:
        uses, users = lives.uses()
        calls.add(uses, -1, Op.MAP, users, access)
        calls.add(uses, 1, Op.UNMAP, users)
    else:
        calls.add(first[late], -2, Op.MAP, device[late], access)
    freed = lives.end[lives.life]
    known = freed < lives.n_events
    before = 2 * (number - lives.most)
    if not per_use:
        calls.add(freed[known], before[known], Op.UNMAP, device[known])
    calls.add(freed[known], before[known] + 1, Op.DETACH, device[known])


def _bracket(calls: Calls, trace: Trace, *, partial: bool) -> None:
    """BEGIN_CPU and END_CPU around each access of the CPU."""
    looks = np.flatnonzero(rows_of(trace.op, (Op.CPU_READ, Op.CPU_WRITE)))
    size = trace.size[looks]
    offset = np.zeros(len(looks), np.uint64)
    if trace.offset is not None:
        offset = trace.offset[looks].astype(np.uint64)
    ragged = (offset % _BLOCK != 0) | (size % _BLOCK != 0)
    wrote = np.where(ragged, int(READ_WRITE), int(Access.WRITE))
    reads = trace.op[looks] == Op.CPU_READ
    access = np.where(reads, int(Access.READ), wrote)
    part: dict[str, Any] = {"size": size, "offset": offset} if partial else {}
    calls.add(looks, -1, Op.BEGIN_CPU, 0, access, **part)
    calls.add(looks, 1, Op.END_CPU, 0, access, **part)
