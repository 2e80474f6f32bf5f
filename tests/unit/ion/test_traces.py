# SPDX-License-Identifier: MIT
"""Chains made masks: what ION keeps of an order, and what it cannot."""

from __future__ import annotations

import numpy as np
import pytest

import heapkit as hk
from heapkit import MiB, ion

IDS = {"camera": 4, "cma": 2, "system": 0}


def trace_of(*chains, **more):
    n = len(chains)
    columns = {"size": [MiB] * n, "time_ns": range(n), "buffer": range(n), **more}
    return hk.Trace.from_columns(op=[hk.Op.ALLOC] * n, heap=list(chains), **columns)


def asked(trace):
    return [trace.heaps[code] for code in trace.chain]


def test_chain_by_descending_id_stays_what_it_is():
    trace = trace_of("camera|system", "camera|cma|system", "system")
    assert asked(ion.trace(trace, IDS)) == asked(trace)


def test_other_order_is_made_that_of_the_ids():
    trace = ion.trace(trace_of("system|camera", "cma|system|camera"), IDS)
    assert asked(trace) == ["camera|system", "camera|cma|system"]


def test_heap_named_twice_has_one_bit():
    assert asked(ion.trace(trace_of("camera|camera|system"), IDS)) == ["camera|system"]


def test_chains_of_the_same_mask_become_one():
    trace = ion.trace(trace_of("system|camera", "camera|system"), IDS)
    assert trace.heaps == ("camera|system",)
    assert list(trace.chain) == [0, 0]


def test_everything_else_of_the_trace_stays():
    before = hk.workloads.camera_boot(launches=1)
    after = ion.trace(before, {"camera": 4, "system-pooled": 0})
    for column in ("op", "buffer", "size", "time_ns", "device", "access", "offset"):
        assert np.array_equal(getattr(before, column), getattr(after, column))
    assert after.meta["workload"] == "camera_boot"


def test_trace_says_what_was_changed():
    meta = ion.trace(trace_of("system|camera", "camera"), IDS).meta["ion"]
    assert meta == {"ids": IDS, "changed": {"system|camera": "camera|system"}}


def test_table_has_each_chain_with_its_mask():
    table = ion.masks(trace_of("system|camera", "camera|cma", "camera|cma"), IDS)
    rows = table.set_index("chain")
    assert rows.loc["system|camera", "heap_id_mask"] == hex(1 << 4 | 1)
    assert rows.loc["system|camera", "asked"] == "camera|system"
    assert rows.loc["camera|cma", "requests"] == 2
    assert list(rows["changed"]) == [True, False]


def test_replay_under_both_differs_where_the_order_does():
    board = hk.Board(
        name="b",
        memory=hk.Memory(total=64 * MiB),
        heaps=(hk.SystemHeap(), hk.CarveoutHeap(name="camera", size=8 * MiB)),
    )
    trace = trace_of("system|camera")
    ids = {"camera": 4, "system": 0}
    chain, mask = hk.replay(trace, board), hk.replay(ion.trace(trace, ids), board)
    assert chain.heap_names[chain["heap"][0]] == "system"
    assert mask.heap_names[mask["heap"][0]] == "camera"


def test_trace_without_requests_is_left_alone():
    empty = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    assert len(ion.trace(empty, IDS)) == 0


def test_ids_keep_the_order_of_every_chain():
    trace = trace_of("camera|cma|system", "cma|system", "video|system")
    ids = ion.ids_of(trace)
    assert ids["camera"] > ids["cma"] > ids["system"]
    assert ids["video"] > ids["system"]
    assert asked(ion.trace(trace, ids)) == asked(trace)


def test_chains_that_contradict_each_other_have_no_ids():
    with pytest.raises(ValueError, match="agree on an order"):
        ion.ids_of(trace_of("camera|system", "system|camera"))


def test_more_heaps_than_a_mask_has_bits_are_refused():
    with pytest.raises(ValueError, match="at most 32"):
        ion.ids_of(trace_of("|".join(f"heap{i}" for i in range(33))))


def test_heap_without_an_id_is_a_value_error_that_names_it():
    with pytest.raises(ValueError, match="dsp"):
        ion.trace(trace_of("dsp|system"), IDS)
    with pytest.raises(ValueError, match="dsp"):
        ion.masks(trace_of("dsp|system"), IDS)


def test_only_a_trace_is_translated():
    with pytest.raises(ValueError, match="trace="):
        ion.trace("camera|system", IDS)
