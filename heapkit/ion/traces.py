# SPDX-License-Identifier: MIT
"""A trace of user-space chains as ION would have seen it: masks instead of orders."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from heapkit import arguments
from heapkit.ion.client import checked_ids
from heapkit.ion.uapi import NUM_HEAP_IDS
from heapkit.trace import Trace, json_text

if TYPE_CHECKING:
    import pandas as pd


def ids_of(trace: Trace) -> dict[str, int]:
    """Ids under which every chain of ``trace`` keeps its order: the last heap has 0.

    ION has one order for the whole device, so two chains may contradict each other:
    ``ValueError`` names heaps that do. Heaps that no chain compares are ordered as
    the trace names them.
    """
    after: dict[str, set[str]] = {}
    for chain in reversed(trace.heaps):
        names = list(dict.fromkeys(reversed(chain.split("|"))))
        for name in names:
            after.setdefault(name, set())
        for low, high in pairwise(names):
            after[high].add(low)
    try:
        order = list(TopologicalSorter(after).static_order())
    except CycleError as error:
        allowed = "chains that agree on an order, for ION has one for all"
        raise arguments.wrong("ion", "heaps", error.args[1], allowed) from None
    if len(order) > NUM_HEAP_IDS:
        raise arguments.wrong("ion", "heaps", len(order), f"at most {NUM_HEAP_IDS}")
    return {name: number for number, name in enumerate(order)}


def trace(trace: Trace, ids: Mapping[str, int]) -> Trace:
    """The same requests, each with a mask of the heaps of its chain.

    The heaps are asked by descending id, and each of them once. What that changes is
    in ``meta["ion"]`` and, as a table, in :func:`masks`. What a trace cannot say: ION
    goes on after any error, not after ENOMEM only, and in one call, where a replay
    charges ``allocate_call`` for every heap tried.
    """
    checked = _ids(trace, ids)
    orders = [_asked(chain, checked) for chain in trace.heaps]
    heaps = tuple(dict.fromkeys(orders))
    code = np.array([heaps.index(order) for order in orders] or [0], np.uint16)
    changed = {
        chain: order
        for chain, order in zip(trace.heaps, orders, strict=True)
        if chain != order
    }
    meta = {**trace.meta, "ion": {"ids": checked, "changed": changed}}
    columns: dict[str, Any] = {"heaps": heaps, "_meta": json_text(meta)}
    if trace.heaps:
        # Rows that ask no heap may hold any code.
        codes = np.minimum(trace.chain, len(orders) - 1)
        columns["chain"] = code[codes]
    return dataclasses.replace(trace, **columns)


def masks(trace: Trace, ids: Mapping[str, int]) -> pd.DataFrame:
    """What becomes of each chain: its mask, the order of asking, and who asks so.

    ``requests`` counts its ALLOCs; ``changed`` says that the order is another one.
    """
    import pandas as pd

    from heapkit.trace import Op

    checked = _ids(trace, ids)
    counts = np.bincount(trace.chain[trace.op == Op.ALLOC], minlength=len(trace.heaps))
    rows = []
    for chain, count in zip(trace.heaps, counts.tolist(), strict=True):
        order = _asked(chain, checked)
        mask = sum(1 << checked[name] for name in order.split("|"))
        rows.append((chain, hex(mask), order, count, order != chain))
    columns = ["chain", "heap_id_mask", "asked", "requests", "changed"]
    return pd.DataFrame(rows, columns=columns)


def _ids(trace: Trace, ids: Mapping[str, int]) -> dict[str, int]:
    if not isinstance(trace, Trace):
        raise arguments.wrong("ion", "trace", trace, "a heapkit.Trace")
    checked = checked_ids(None, ids)
    asked = {name for chain in trace.heaps for name in chain.split("|")}
    if missing := sorted(asked - set(checked)):
        raise arguments.wrong("ion", "ids", dict(ids), f"with an id for {missing}")
    return checked


def _asked(chain: str, ids: Mapping[str, int]) -> str:
    return "|".join(sorted(set(chain.split("|")), key=lambda name: -ids[name]))
