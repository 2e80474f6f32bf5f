# SPDX-License-Identifier: MIT
"""A trace's buffers and who uses them, and the events that are put between its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit._ffi import READ_WRITE, Op
from heapkit.trace import Trace
from heapkit.trace_ops import rows_of


class Lives:
    """The lives of a trace's buffers, and each pair of a life and a device in it.

    ``start`` and ``end`` are the events of a life's ALLOC and last FREE (``n_events``
    if there is none). Pairs are in the order of life and first use, and the
    ``number`` of one counts from 0 in each life.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace, self.n_events = trace, len(trace)
        self.start, self.end = trace.spans()
        self._uses = np.flatnonzero(
            rows_of(trace.op, (Op.DEVICE_READ, Op.DEVICE_WRITE))
        )
        self._users = np.zeros(len(self._uses), np.int64)
        if trace.device is not None:
            self._users = trace.device[self._uses].astype(np.int64)
        self._n_devices = max(len(trace.devices), 1)
        pairs = self._life_of(self._uses) * self._n_devices + self._users
        found, first = np.unique(pairs, return_index=True)
        self._set(found, self._uses[first])

    def uses(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The events in which a device reads or writes, and its code."""
        return self._uses, self._users

    def add(self, devices: Sequence[int]) -> None:
        """Count ``devices`` as users of every buffer."""
        lives = np.arange(len(self.start), dtype=np.int64)
        wanted = (lives[:, None] * self._n_devices + np.array(devices)).ravel()
        mine = self.life * self._n_devices + self.device
        new = np.setdiff1d(wanted, mine)
        never = np.full(len(new), self.n_events, np.int64)
        self._set(np.append(mine, new), np.append(self.first_use, never))

    def _life_of(self, events: NDArray[np.int64]) -> NDArray[np.int64]:
        """The life that each event falls into."""
        n, ids = self.n_events, self.trace.dense_buffer
        starts = ids[self.start].astype(np.int64) * n + self.start
        order = np.argsort(starts)
        key = ids[events].astype(np.int64) * n + events
        return order[np.searchsorted(starts[order], key, side="right") - 1]

    def _set(self, pairs: NDArray[np.int64], first: NDArray[np.int64]) -> None:
        life = pairs // self._n_devices
        order = np.lexsort((first, life))
        self.life, self.first_use = life[order], first[order]
        self.device = (pairs % self._n_devices)[order]
        begins = np.searchsorted(self.life, self.life)
        self.number = np.arange(len(order)) - begins
        self.most = int(self.number.max(initial=-1)) + 1


class Calls:
    """Events to be put before or after those of a trace.

    Each has a rank: below 0 it comes before its event, above 0 after it, and the
    lower first.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        n = len(trace)
        own: dict[str, NDArray[Any]] = {
            "op": trace.op,
            "size": trace.size,
            "device": np.zeros(n, np.uint16) if trace.device is None else trace.device,
            "access": np.full(n, int(READ_WRITE), np.uint8),
            "offset": np.zeros(n, np.uint64) if trace.offset is None else trace.offset,
        }
        self._events = [np.arange(n)]
        self._ranks = [np.zeros(n, np.int64)]
        self._columns = {name: [column] for name, column in own.items()}

    def add(
        self,
        events: NDArray[np.int64],
        rank: ArrayLike,
        op: Op,
        device: ArrayLike,
        access: ArrayLike = int(READ_WRITE),
        *,
        size: ArrayLike = 0,
        offset: ArrayLike = 0,
    ) -> None:
        """Put ``op`` at each of ``events``."""
        self._events.append(events)
        self._ranks.append(np.broadcast_to(rank, events.shape))
        given = {
            "op": op,
            "size": size,
            "device": device,
            "access": access,
            "offset": offset,
        }
        for name, values in given.items():
            self._columns[name].append(np.broadcast_to(values, events.shape))

    def trace(self, **meta: object) -> Trace:
        """The trace with all that was put into it."""
        own = self._trace
        event, rank = np.concatenate(self._events), np.concatenate(self._ranks)
        order = np.lexsort((rank, event))
        event = event[order]
        columns: dict[str, Any] = {
            name: np.concatenate(parts)[order].astype(parts[0].dtype, copy=False)
            for name, parts in self._columns.items()
        }
        who: dict[str, Any] = {}
        if own.process is not None:
            who = {"process": own.process[event], "processes": own.processes}
        return Trace.from_columns(
            buffer=own.buffer[event],
            heap=own.chain[event],
            heaps=own.heaps,
            time_ns=own.time_ns[event],
            devices=own.devices or ("device",),
            meta={**own.meta, **meta},
            **columns,
            **who,
        )
