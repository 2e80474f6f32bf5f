# SPDX-License-Identifier: MIT
"""Whatever happens, the parts of a latency add up to it."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import heapkit as hk
from heapkit import MiB, Op
from heapkit._ffi import Access

BOARD = hk.Board(
    name="parts",
    memory=hk.Memory(total=256 * MiB),
    heaps=(
        hk.SystemHeap(),
        hk.SystemHeap(name="pooled", pool=hk.PagePool(fill=8 * MiB)),
        hk.SystemHeap(name="uncached", uncached=True),
        hk.CmaHeap(name="cma", size=32 * MiB),
        hk.CarveoutHeap(name="camera", size=16 * MiB),
        hk.ChunkHeap(name="video", size=16 * MiB),
        hk.SecureHeap(name="protected", size=8 * MiB),
        hk.PageLoad(name="files"),
    ),
    devices=(hk.Device("isp", iommu=True), hk.Device("gpu", coherent=True)),
)
CHAINS = ("camera|system", "pooled", "cma|video|system", "uncached", "protected")
USES = [op for op in Op if op not in (Op.ALLOC, Op.FREE, Op.SHARE)]
prices = st.floats(0, 1e6, allow_nan=False)


def events(seed, n=200):
    """Every op at random, on a buffer that exists; pages of the rest among them."""
    random = np.random.default_rng(seed)
    held, rows = [], []
    for i in range(n):
        chance = random.random()
        if not held or chance < 0.35:
            held.append(i)
            rows.append((Op.ALLOC, i, int(random.integers(1, 4 * MiB))))
        elif chance < 0.5:
            rows.append((Op.FREE, held.pop(random.integers(len(held))), 0))
        else:
            op = USES[random.integers(len(USES))]
            size = 0 if op in (Op.ATTACH, Op.MAP) else int(random.integers(0, 65536))
            rows.append((op, held[random.integers(len(held))], size))
    op, buffer, size = zip(*rows, strict=True)
    access = random.integers(1, 4, n)
    skips = random.choice([0, int(Access.SKIP_SYNC)], n)
    return hk.Trace.from_columns(
        op=op,
        buffer=buffer,
        size=size,
        heap=random.integers(0, len(CHAINS) + 1, n),
        heaps=(*CHAINS, "files"),
        time_ns=np.cumsum(random.integers(0, 5_000_000, n)),
        device=random.integers(0, 2, n),
        devices=("isp", "gpu"),
        access=np.where(np.array(op) == Op.MAP, access | skips, access),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    costs=st.dictionaries(st.sampled_from(list(hk.Costs.default())[:-2]), prices),
)
def test_the_parts_add_up_whatever_the_constants(seed, costs):
    board = BOARD.replace({f"costs.{name}": value for name, value in costs.items()})
    run = hk.replay(events(seed), board, breakdown=True)
    total = sum(run[name] for name in run.breakdown_columns)
    # Half a nanosecond of rounding; a sum of doubles is as exact as its order allows.
    allowed = np.maximum(1, total * 1e-12)
    assert (np.abs(total - run["latency_ns"]) <= allowed).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32), event=st.integers(0, 199))
def test_one_event_is_what_the_whole_run_recorded(seed, event):
    trace = events(seed)
    recorded = hk.replay(trace, BOARD, breakdown=True)
    assert hk.replay(trace, BOARD).breakdown(event) == recorded.breakdown(event)
