# SPDX-License-Identifier: MIT
"""Same trace, same board: the same bytes, alone or beside other threads."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import heapkit as hk
from heapkit import KiB, MiB, Op, _ffi
from heapkit.backends.machine import layout, machine
from heapkit.resolve import resolve

CHAINS = (
    *("camera|system", "pooled", "cma|video|system", "system", "protected|pooled"),
    *("chunks|shared", "cache", "writes|cache", "udmabuf|system", "shared"),
)
BOARD = hk.Board(
    name="determinism",
    memory=hk.Memory(total=72 * MiB),
    heaps=(
        hk.SystemHeap(),
        hk.SystemHeap(name="pooled", pool=hk.PagePool(fill=8 * MiB)),
        hk.CmaHeap(name="cma", size=32 * MiB),
        hk.CarveoutHeap(
            name="camera", size=16 * MiB, fit="best", zero="free", deferred_free=True
        ),
        hk.ChunkHeap(name="video", size=16 * MiB),
        hk.SecureHeap(name="protected", size=8 * MiB, handback_failures=0.1),
        hk.SystemHeap(name="shared", encrypted=True, reencrypt_failures=0.05),
        hk.CmaHeap(name="chunks", size=16 * MiB, chunk=64 * KiB),
        hk.UdmabufHeap(),
        hk.PageLoad(name="cache", clean=True),
        hk.PageLoad(name="writes", dirty=True, mapcount=3),
    ),
    seed=7,
    devices=(hk.Device("isp"), hk.Device("gpu", coherent=True)),
)


def workload(seed, n=400):
    """Every kind of event, at random, always on a buffer that exists."""
    random = np.random.default_rng(seed)
    held, rows = [], []
    for i in range(n):
        if not held or random.random() < 0.4:
            held.append(i)
            size = int(random.integers(1, 4 * MiB)) >> int(random.integers(0, 8))
            rows.append((Op.ALLOC, i, max(size, 1)))
            continue
        op = Op(random.choice(list(Op)[1:]))
        at = int(random.integers(len(held)))
        size = int(random.integers(0, 64 * KiB)) if op >= Op.BEGIN_CPU else 0
        rows.append((op, held.pop(at) if op is Op.FREE else held[at], size))
    op, buffer, size = zip(*rows, strict=True)
    return hk.Trace.from_columns(
        op=op,
        buffer=buffer,
        size=size,
        heap=random.integers(0, len(CHAINS), n),
        heaps=CHAINS,
        time_ns=np.cumsum(random.integers(0, 5_000_000, n)),
        device=random.integers(0, 2, n),
        devices=("isp", "gpu"),
        access=random.integers(1, 4, n),
    )


def fingerprint(trace, *, check_every=1):
    run = hk.replay(trace, BOARD, pool_fill="pooled", check_every=check_every)
    assert {int(s) for s in np.unique(run["status"])} <= {0, -12, -14, -22}
    return b"".join(run[name].tobytes() for name in run.columns) + (
        run.pool_fill("pooled").tobytes()
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_replay_gives_the_same_bytes_again(seed):
    trace = workload(seed)
    assert fingerprint(trace) == fingerprint(trace)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_gauges_equal_what_looking_inside_shows(seed):
    run = hk.replay(workload(seed, 150), BOARD)
    event = int(np.flatnonzero(run["heap"] >= 0)[-1])
    snapshot = run.snapshot(event)
    assert run["free_bytes"][event] == snapshot.free_bytes


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    every=st.integers(1, 200),
    events=st.lists(st.integers(0, 299), min_size=1, max_size=4),
)
def test_a_state_on_the_way_changes_nothing_after_it(seed, every, events):
    trace = workload(seed, 300)
    run = hk.replay(trace, BOARD, checkpoint_every=every)
    once = hk.replay(trace, BOARD)
    assert all(np.array_equal(run[name], once[name]) for name in run.columns)
    for event in events:
        core = machine(BOARD)
        columns, _ = resolve(trace, BOARD)
        core.replay(columns, first=0, rows=np.empty(event + 1, dtype=_ffi.ROW))
        for index, heap in enumerate(BOARD.heap_names):
            assert run.snapshot(event, heap) == layout(BOARD, core, index)
        core.close()


def test_threads_give_the_same_bytes_as_one():
    traces = [workload(seed, 2000) for seed in range(8)]
    once = partial(fingerprint, check_every=500)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(once, traces)) == [once(trace) for trace in traces]
