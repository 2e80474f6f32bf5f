# SPDX-License-Identifier: MIT
"""A machine: the handle of the core."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi.enums import Op
from heapkit._ffi.parts import BrokenRule, Intake, Tally, broken, id_column
from heapkit._ffi.records import (
    FINDING,
    REGION,
    ROW,
    CmaCounters,
    Gauges,
    MachineSpec,
    Step,
    check,
    records,
)
from heapkit._ffi.trace import CTrace
from heapkit._native import ffi, lib
from heapkit.errors import refusal

# More than one event can have: native/src/findings.c, coherence.c.
STEP_FINDINGS = 8
_NOTHING_CHARGED = bytes(ffi.sizeof("struct hk_counts"))


class Machine:
    """A board at one moment; see native/include/heapkit_abi.h.

    The core wants a machine to be used by one thread at a time; :attr:`lock`
    is taken around each call, so that misuse waits instead of corrupting.
    """

    def __init__(self, spec: MachineSpec, *, what: str = "board") -> None:
        self.lock = threading.RLock()
        heaps = ffi.new("struct hk_heap_spec[]", list(spec["heaps"]))
        devices = ffi.new("struct hk_device_spec[]", list(spec["devices"]))
        c_spec = ffi.new(
            "struct hk_machine_spec *",
            {
                "memory": spec["memory"],
                "heap": heaps,
                "n_heaps": len(spec["heaps"]),
                "device": devices,
                "n_devices": len(spec["devices"]),
                "costs": spec["costs"],
                "sync_flags": int(spec["sync_flags"]),
                "seed": spec["seed"],
            },
        )
        ret = ffi.new("struct hk_machine **")
        check(lib.hk_machine_create(c_spec, ret), what)
        self._handle: Any = ffi.gc(ret[0], lib.hk_machine_destroy)
        self._event = ffi.new("struct hk_event *")
        self._row = ffi.new("struct hk_row *")
        self._gauges = ffi.new("struct hk_gauges *")
        self._counts = ffi.new("struct hk_counts *")
        self._findings = ffi.new("struct hk_finding[]", STEP_FINDINGS)
        self._state_before = 4096  # how long a state is expected to be
        self._regions_before = 64  # how many a walk is given room for

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._handle is None

    def close(self) -> None:
        """Give the machine's memory back; again is allowed and does nothing."""
        with self.lock:
            if self._handle is not None:
                ffi.release(self._handle)
                self._handle = None

    def _open(self) -> Any:
        if self._handle is None:
            raise refusal(errno.EBADF, "the simulated heaps are closed")
        return self._handle

    def step(
        self,
        op: Op,
        *,
        buffer: int = 0,
        size: int = 0,
        offset: int = 0,
        time_ns: int = 0,
        device: int = 0,
        access: int = 0,
        heaps: Sequence[int] = (),
    ) -> Step:
        """Carry out one event. A refusal of the modelled kernel is its status."""
        chain = ffi.new("uint16_t[]", list(heaps))
        with self.lock:
            event, row, gauges = self._event, self._row, self._gauges
            event.op, event.buffer, event.size = op, buffer, size
            event.offset, event.time_ns = offset, time_ns
            event.device, event.access = device, access
            event.heap, event.n_heaps = chain, len(heaps)
            handle = self._open()
            ffi.buffer(self._counts)[:] = _NOTHING_CHARGED
            lib.hk_machine_watch(handle, self._counts, self._findings, STEP_FINDINGS)
            rc = lib.hk_machine_step(handle, event, row, gauges)
            check(rc, f"{op.name} of buffer {buffer}")
            values = [getattr(row, name) for name in ROW.names or ()]
            return Step(*values, *(getattr(gauges, f) for f in Gauges._fields))

    def charged(self) -> bytes:
        """What the last step was charged, for :func:`heapkit._ffi.records.counted`."""
        return bytes(ffi.buffer(self._counts))

    def found(self) -> NDArray[np.void]:
        """What the last step found, as :data:`FINDING` records."""
        with self.lock:
            count = min(lib.hk_machine_found(self._open()), STEP_FINDINGS)
        records = np.frombuffer(ffi.buffer(self._findings), FINDING)
        return records[:count].copy()

    def replay(
        self,
        trace: CTrace,
        *,
        first: int,
        rows: NDArray[np.void],
        gauges: NDArray[np.void] | None = None,
        fills: NDArray[np.void] | None = None,
        fill_heap: int = 0,
        moves: NDArray[np.void] | None = None,
        counts: NDArray[np.void] | None = None,
        findings: NDArray[np.void] | None = None,
        check_every: int = 0,
    ) -> int:
        """Carry out ``len(rows)`` events from ``first`` on; the GIL is released.

        The arrays have an element for each event, but for ``findings``: returned is
        how many there were, those beyond its length are lost.
        """
        done = ffi.new("uint64_t *")
        columns = ffi.new(
            "struct hk_columns *",
            {
                "row": records("hk_row", rows),
                "gauges": records("hk_gauges", gauges),
                "fills": records("hk_pool_fill", fills),
                "moves": records("hk_moves", moves),
                "counts": records("hk_counts", counts),
                "findings": records("hk_finding", findings),
                "n_findings": 0 if findings is None else len(findings),
                "fill_heap": fill_heap,
            },
        )
        with self.lock:
            rc = lib.hk_machine_replay(
                self._open(), trace.struct, first, len(rows), columns, check_every, done
            )
            if rc == -errno.EUCLEAN:
                self._raise_broken(f" after event {done[0]}")
            check(rc, f"replay stopped at event {done[0]}")
        return int(columns.found)

    def replay_part(
        self,
        part: CTrace,
        ids: NDArray[np.uint64],
        span: slice,
        *,
        intake: Intake,
        tally: Tally,
    ) -> BrokenRule | None:
        """Check, carry out and count the events ``span`` of ``part``.

        The GIL is released. Machine, intake and tally are at the same event
        whenever Python runs again, so an interrupt between two calls loses
        nothing. After a broken rule none of them is of use.
        """
        fault = ffi.new("struct hk_fault *")
        with self.lock:
            rc = lib.hk_machine_replay_part(
                self._open(),
                intake.handle,
                tally.struct,
                part.struct,
                id_column(ids),
                span.start,
                span.stop - span.start,
                fault,
            )
        return broken(rc, fault)

    def advance(self, now_ns: int) -> None:
        """Let the idle threads (deferred free, pool refill) run until ``now_ns``."""
        with self.lock:
            check(lib.hk_machine_advance(self._open(), now_ns), f"time {now_ns} ns")

    def gauges(self, heap: int) -> Gauges:
        """Of one heap, now."""
        ret = ffi.new("struct hk_gauges *")
        with self.lock:
            check(lib.hk_machine_gauges(self._open(), heap, ret), f"heap {heap}")
        return Gauges(*(getattr(ret, name) for name in Gauges._fields))

    def snapshot(self, heap: int) -> NDArray[np.void]:
        """Every region of ``heap`` by address, as :data:`REGION` records."""
        return self._regions(lib.hk_machine_snapshot, heap, f"heap {heap}")

    def entries(self, buffer: int) -> NDArray[np.void]:
        """The sg entries of a live buffer, as :data:`REGION` records."""
        return self._regions(lib.hk_machine_entries, buffer, f"buffer {buffer}")

    def _regions(
        self, walk: Callable[..., int], which: int, what: str
    ) -> NDArray[np.void]:
        count = ffi.new("uint64_t *")
        with self.lock:
            regions = np.empty(self._regions_before, dtype=REGION)
            target = records("hk_region", regions)
            rc = walk(self._open(), which, target, len(regions), count)
            if rc == -errno.ENOSPC:
                # Room for some more than there are: the next look is like this one.
                regions = np.empty(count[0] + count[0] // 16, dtype=REGION)
                target = records("hk_region", regions)
                rc = walk(self._open(), which, target, len(regions), count)
            check(rc, what)
            self._regions_before = max(64, count[0] + count[0] // 16)
        found = regions[: count[0]]
        # What is kept of a look should not be much larger than what was seen.
        return found if 2 * len(found) > len(regions) else found.copy()

    def buddyinfo(self) -> NDArray[np.uint64]:
        """Free blocks of each order: the numbers of /proc/buddyinfo."""
        counts = np.zeros(lib.HK_NR_PAGE_ORDERS, dtype=np.uint64)
        with self.lock:
            target = ffi.from_buffer("uint64_t[]", counts, require_writable=True)
            check(lib.hk_machine_buddyinfo(self._open(), target), "buddyinfo")
        return counts

    def pagetypeinfo(self) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Free blocks by :class:`Migratetype` and order, and pageblocks by type.

        The numbers of /proc/pagetypeinfo.
        """
        types = lib.HK_NR_MIGRATETYPES
        counts = np.zeros((types, lib.HK_NR_PAGE_ORDERS), dtype=np.uint64)
        blocks = np.zeros(types, dtype=np.uint64)
        with self.lock:
            targets = (
                ffi.from_buffer("uint64_t[]", array, require_writable=True)
                for array in (counts, blocks)
            )
            rc = lib.hk_machine_pagetypeinfo(self._open(), *targets)
            check(rc, "pagetypeinfo")
        return counts, blocks

    def pool_fill(self, heap: int) -> list[int]:
        """Blocks in each pool of ``heap``, in the order of its orders."""
        ret = ffi.new("struct hk_pool_fill *")
        with self.lock:
            check(lib.hk_machine_pool_fill(self._open(), heap, ret), f"heap {heap}")
        return list(ret.items)

    def save(self) -> bytes:
        """All that a machine of the same spec needs to go on from here."""
        size = ffi.new("uint64_t *")
        with self.lock:
            state = bytearray(self._state_before)
            rc = self._save(state, size)
            if rc == -errno.ENOSPC:
                # Room for some more: the next state is not much longer.
                state = bytearray(size[0] + size[0] // 8)
                rc = self._save(state, size)
            check(rc, "a state")
            self._state_before = len(state)
        return bytes(memoryview(state)[: size[0]])

    def _save(self, state: bytearray, size: Any) -> int:
        target = ffi.from_buffer("uint8_t[]", state, require_writable=True)
        return lib.hk_machine_save(self._open(), target, len(state), size)

    def load(self, state: bytes) -> None:
        """Become what a machine of the same spec was, whatever was before.

        A state may come from anywhere: what is not one is a :class:`ValueError`,
        after which the machine is closed.
        """
        source = ffi.from_buffer("uint8_t[]", state)
        with self.lock:
            rc = lib.hk_machine_load(self._open(), source, len(state))
            if rc:
                self.close()
        if rc == -errno.EINVAL:
            raise ValueError(
                f"state: {len(state)} bytes are no state of this board; "
                "allowed: what save() of a machine of the same board returned"
            )
        check(rc, "loading a state")

    def cma_counters(self, heap: int) -> CmaCounters:
        """What a CMA heap's area has counted since the machine was made."""
        ret = ffi.new("struct hk_cma_counters *")
        with self.lock:
            rc = lib.hk_machine_cma_counters(self._open(), heap, ret)
            check(rc, f"counters of heap {heap}")
        return CmaCounters(*(getattr(ret, name) for name in CmaCounters._fields))

    def check(self) -> None:
        """Raise :class:`InvariantError` if an invariant is broken."""
        with self.lock:
            self._raise_broken("")

    def _raise_broken(self, when: str) -> None:
        rule = ffi.new("char const **")
        rc = lib.hk_machine_check(self._open(), rule)
        said = ffi.string(rule[0]).decode() if rule[0] != ffi.NULL else "unnamed rule"
        check(rc, f"broken invariant{when}: {said}")
