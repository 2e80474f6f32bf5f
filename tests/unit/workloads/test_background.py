# SPDX-License-Identifier: MIT
"""The load of the rest of the system."""

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op, workloads

MEMORY = 512 * MiB
LOADS = ("anon", "cache", "dirty", "pinned")


def held(trace, heap):
    """After each event the bytes asked of one heap and not freed."""
    start, end = trace.spans()
    mine = trace.chain[start] == trace.heaps.index(heap)
    change = np.zeros(len(trace) + 1, np.int64)
    change[start[mine]] = trace.size[start[mine]]
    change[end[mine]] -= trace.size[start[mine]].astype(np.int64)
    return np.cumsum(change[:-1])


def test_what_is_held_follows_the_occupancy():
    trace = workloads.background(memory=MEMORY, occupancy=0.5, swing=0.2, seconds=300)
    later = trace.live_bytes()[trace.time_ns > 1e9] / MEMORY
    assert 0.28 < later.min() < 0.45
    assert 0.55 < later.max() < 0.72
    assert abs(later.mean() - 0.5) < 0.08
    assert trace.duration_ns > 299e9


def test_the_shares_are_what_was_asked_for_on_average():
    trace = workloads.background(memory=MEMORY, dirty_share=0.2, seconds=120)
    assert trace.heaps == LOADS
    whole = trace.live_bytes()[500:]
    share = {heap: (held(trace, heap)[500:] / whole).mean() for heap in LOADS}
    assert abs(share["dirty"] - 0.2) < 0.04
    assert abs(share["cache"] - 0.35) < 0.06
    assert 0 < share["pinned"] < 0.02


def test_pages_come_and_go_where_nothing_changes():
    trace = workloads.background(memory=MEMORY, swing=0)
    assert np.count_nonzero(trace.op == Op.FREE) > 100


def test_heaps_are_named_by_the_caller_and_may_have_no_share():
    trace = workloads.background(
        memory=MEMORY, dirty_share=0, pinned_share=0, cache="files", shared_share=0.1
    )
    assert trace.heaps == ("anon", "files", "shared")
    assert trace.meta["heaps"] == ["anon", "files", "shared"]


def test_a_load_runs_on_a_board_with_such_heaps():
    heaps = (hk.CmaHeap(size=64 * MiB), *workloads.loads(mapcount=2))
    board = hk.Board(name="small", memory=hk.Memory(total=MEMORY), heaps=heaps)
    trace = workloads.background(memory=MEMORY, seconds=20, shared_share=0.1)
    run = hk.replay(trace, board)
    assert set(trace.heaps) == {*LOADS, "shared"}
    assert not run["status"].any()
    assert hk.accounting.totals(run)["total"] == 0


def test_the_loads_are_what_their_names_say():
    heaps = {heap.name: heap for heap in workloads.loads(mapcount=3)}
    assert (heaps["anon"].mapcount, heaps["shared"].mapcount) == (3, 10)
    assert heaps["cache"].clean
    assert heaps["dirty"].dirty
    assert heaps["pinned"].pinned


def test_the_same_seed_gives_the_same_trace_and_another_one_another():
    one, same, other = (
        workloads.background(memory=MEMORY, seconds=5, seed=s) for s in (1, 1, 2)
    )
    assert one.equals(same)
    assert not one.equals(other)


def test_no_occupancy_is_a_trace_without_events():
    trace = workloads.background(memory=MEMORY, occupancy=0, swing=0)
    assert len(trace) == 0


def test_all_of_the_memory_is_never_exceeded():
    trace = workloads.background(
        memory=MEMORY, occupancy=1, swing=1, piece=64 * KiB, seconds=30
    )
    assert trace.live_bytes().max() <= MEMORY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"occupancy": 1.1}, "background: occupancy=1.1; allowed: a number, 0 to 1"),
        ({"occupancy": float("nan")}, "background: occupancy=nan"),
        ({"swing": -0.1}, "background: swing=-0.1"),
        ({"dirty_share": True}, "background: dirty_share=True"),
        ({"cache_share": "much"}, "background: cache_share='much'"),
        ({"cache_share": 0.7, "dirty_share": 0.7}, "background: shares=.* at most 1"),
        ({"cache": "anon"}, "background: heaps=.*another name for each load"),
        ({"memory": 4096}, "background: memory=4096; allowed"),
        ({"memory": MEMORY + 1}, "background: memory="),
        ({"piece": 100}, "background: piece=100"),
        ({"seconds": 0}, "background: seconds=0"),
        ({"seed": -1}, "background: seed=-1"),
        ({"anon": ""}, "background: heap=''"),
    ],
)
def test_an_argument_that_is_none_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        workloads.background(**{"memory": MEMORY, **arguments})
