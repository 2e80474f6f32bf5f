# SPDX-License-Identifier: MIT
"""Loads, and CMA areas that lend their pages to them, through the public door."""

import errno

import numpy as np
import pytest

import heapkit as hk
from heapkit import GiB, KiB, MiB


def busy_board(**changes):
    """16 MiB, of which 8 to 12 MiB are an area that lends its pages."""
    given = {
        "name": "busy",
        "memory": hk.Memory(total=16 * MiB, min_free=0),
        "heaps": (
            hk.SystemHeap(),
            hk.CmaHeap(name="cma", size=4 * MiB, base=8 * MiB),
            hk.PageLoad(name="apps"),
            hk.PageLoad(name="dma", pinned=True),
        ),
    }
    return hk.Board(**{**given, **changes})


def trace_of(*requests):
    """(op, buffer, size, heap) each, a millisecond apart."""
    op, buffer, size, heap = zip(*requests, strict=True)
    time_ns = np.arange(len(op)) * 1_000_000
    return hk.Trace.from_columns(
        op=np.array(op, np.uint8),
        buffer=np.array(buffer),
        size=np.array(size, np.uint64),
        heap=list(heap),
        time_ns=time_ns,
    )


def alloc(buffer, size, heap):
    return hk.Op.ALLOC, buffer, size, heap


def free(buffer, heap):
    return hk.Op.FREE, buffer, 0, heap


# 11 of the 12 MiB outside of the area are the system heap's, so that movable
# pages come from the area's start on.
FULL = alloc(0, 11 * MiB, "system")
MOVED = trace_of(FULL, alloc(1, MiB, "apps"), alloc(2, MiB, "cma"))
PINNED = trace_of(FULL, alloc(1, 4 * KiB, "dma"), alloc(2, MiB, "cma"))


# --- The parts ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"migratetype": "cma"}, "migratetype='cma'"),
        ({"migratetype": 1}, "migratetype=1"),
        ({"order": 1}, "order=1; allowed: 0, for movable"),
        ({"order": 11, "migratetype": "unmovable"}, "order=11"),
        ({"pinned": True, "migratetype": "reclaimable"}, "pinned=True"),
        ({"pinned": "yes"}, "pinned='yes'"),
        ({"name": "a/b"}, "name='a/b'"),
    ],
)
def test_a_load_that_makes_no_sense_is_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        hk.PageLoad(**{"name": "apps", **changes})


def test_a_load_needs_a_memory():
    with pytest.raises(ValueError, match="memory"):
        hk.Board(name="b", heaps=(hk.PageLoad(name="apps"),))


@pytest.mark.parametrize(
    ("area", "named"),
    [
        ({"base": 8 * MiB, "size": 3 * MiB}, "size=3145728"),
        ({"base": 9 * MiB, "size": 4 * MiB}, "base=9437184"),
        ({"size": MiB}, "size=1048576"),
        ({"ranges": ((4 * MiB, 2 * MiB), (8 * MiB, MiB))}, "size=1048576"),
    ],
)
def test_an_unaligned_area_is_refused_where_it_would_be_lent(area, named):
    heaps = hk.CmaHeap(name="cma", **area), hk.PageLoad(name="apps")
    with pytest.raises(ValueError, match=named):
        busy_board(heaps=heaps)
    still = hk.PageLoad(name="driver", migratetype="unmovable")
    assert not busy_board(heaps=(heaps[0], still)).lends


def test_a_board_says_whether_its_areas_lend():
    assert busy_board().lends
    assert not any(hk.Board.preset(name).lends for name in hk.Board.presets())


def test_a_load_can_be_changed_and_shown_like_a_heap():
    board = busy_board().replace({"dma.pinned": False})
    assert not board.heap("dma").pinned
    kinds = dict(board.to_frame()[["name", "kind"]].to_numpy())
    assert kinds["apps"] == "pages"


# --- Replay ------------------------------------------------------------------


def test_borrowed_pages_are_moved_and_counted():
    run = hk.replay(MOVED, busy_board(), check_every=1)
    assert run["status"].tolist() == [0, 0, 0]
    assert run["entries"].tolist()[1:] == [256, 1]
    assert run["pages_migrated"].tolist() == [0, 0, 256]
    assert run["busy_retries"].tolist() == [0, 0, 0]
    assert int(run["address"][2]) == 8 * MiB
    costs = run.board.costs
    moving = 256 * (
        costs["migrate_page"].value
        + costs["unmap_mapping"].value
        + costs["cma_page"].value
        + costs["zero_page_1m"].value
    )
    call = costs["allocate_call"].value + costs["cma_call"].value
    assert run["latency_ns"][2] == call + moving


def test_the_same_allocation_is_cheap_where_nobody_borrowed():
    idle = trace_of(FULL, alloc(2, MiB, "cma"))
    quick = hk.replay(idle, busy_board())["latency_ns"][1]
    assert hk.replay(MOVED, busy_board())["latency_ns"][2] > 3 * quick


def test_a_pinned_page_leads_to_the_next_place():
    run = hk.replay(PINNED, busy_board(), check_every=1)
    assert run["busy_retries"].tolist() == [0, 0, 1]
    assert int(run["address"][2]) == 9 * MiB


def test_counters_are_the_areas_own():
    run = hk.replay(PINNED, busy_board())
    counters = run.cma_counters("cma")
    assert counters.alloc_success == 1
    assert counters.alloc_pages_success == 256
    assert counters.busy_retries == 1
    assert counters.pages_lent == 1
    with pytest.raises(ValueError, match="'apps' is no CMA heap; allowed: cma"):
        run.cma_counters("apps")


def test_a_summary_and_a_frame_have_what_was_moved():
    run = hk.replay(MOVED, busy_board())
    assert run.summary()["pages_migrated"] == 256
    assert run.to_frame()["pages_migrated"].tolist() == [0, 0, 256]


def test_a_board_that_lends_nothing_has_no_such_columns():
    board = busy_board(heaps=busy_board().heaps[:2])
    run = hk.replay(trace_of(alloc(0, MiB, "cma")), board)
    assert "pages_migrated" not in run
    assert "pages_migrated" not in run.summary()
    assert run.cma_counters("cma").alloc_success == 1
    with pytest.raises(KeyError, match="pages_migrated"):
        run["pages_migrated"]


def test_the_lent_and_the_idle_area_place_alike_when_nobody_borrows():
    trace = hk.workloads.mixed_media(seed=3, heap="cma")
    heaps = (hk.SystemHeap(), hk.CmaHeap(name="cma", size=128 * MiB))
    lent = hk.Board(
        name="lent",
        memory=hk.Memory(total=GiB),
        heaps=(*heaps, hk.PageLoad(name="apps")),
    )
    idle = hk.Board(name="idle", memory=hk.Memory(total=GiB), heaps=heaps)
    one, two = hk.replay(trace, lent), hk.replay(trace, idle)
    for column in two.columns:
        assert np.array_equal(one[column], two[column]), column


# --- Pollution ---------------------------------------------------------------


def test_unmovable_requests_never_get_lent_pages():
    run = hk.replay(trace_of(alloc(0, 13 * MiB, "system")), busy_board())
    assert run["status"][0] == -errno.ENOMEM
    assert run["free_bytes"][0] == 16 * MiB


def test_the_system_heap_claims_pageblocks_that_movable_pages_then_lack():
    # A page in each of many pageblocks stays: they are unmovable from then on,
    # so the apps fill the area instead, and CMA must move what they hold.
    small = [alloc(i, 64 * KiB, "system") for i in range(176)]
    spread = [free(i, "system") for i in range(176) if i % 8]
    apps = [alloc(500, 6 * MiB, "apps"), alloc(501, 2 * MiB, "cma")]
    clean = hk.replay(trace_of(*apps), busy_board())
    polluted = hk.replay(trace_of(*small, *spread, *apps), busy_board())
    assert clean["pages_migrated"][-1] < polluted["pages_migrated"][-1]
    assert polluted["status"][-1] == 0


# --- Explanations --------------------------------------------------------------


def test_explain_says_what_was_moved():
    text = hk.replay(MOVED, busy_board()).explain(2)
    assert "after moving 256 borrowed pages" in text


def test_explain_says_which_places_were_busy():
    text = hk.replay(PINNED, busy_board()).explain(2)
    assert "after giving up 1 busy place" in text


def test_explain_says_that_a_pinned_page_is_in_the_way():
    run = hk.replay(
        trace_of(FULL, alloc(1, 4 * KiB, "dma"), alloc(2, 4 * MiB, "cma")),
        busy_board(),
    )
    assert run["status"][2] == -errno.ENOMEM
    text = run.explain(2)
    assert "busy, the one place that it fits (1 tried) holds a pinned page" in text


def test_explain_says_that_there_was_nowhere_to_move_to():
    run = hk.replay(
        trace_of(FULL, alloc(1, 4 * MiB, "apps"), alloc(2, 4 * MiB, "cma")),
        busy_board(),
    )
    assert run["status"][2] == -errno.ENOMEM
    text = run.explain(2)
    assert "there is no free page left to move the borrowed pages to" in text
    assert "pages had been moved by then" in text


def test_explain_tells_cma_pages_from_those_the_system_heap_may_have():
    run = hk.replay(trace_of(alloc(0, 13 * MiB, "system")), busy_board())
    assert "4 MiB of it CMA pages that only movable requests may have" in run.explain(0)


# --- One at a time -------------------------------------------------------------


def test_a_load_is_a_heap_of_simulate():
    with hk.simulate(busy_board()) as heaps:
        buffer = heaps["apps"].allocate(14 * MiB)
        assert len(buffer.entries) == 3584
        assert heaps["cma"].cma_counters().pages_lent > 512
        assert heaps["apps"].snapshot().free_bytes == 2 * MiB
        big = heaps["cma"].allocate(2 * MiB)
        assert heaps["cma"].cma_counters().pages_migrated > 0
        heaps["cma"].check()
        big.close()
        buffer.close()
        assert heaps["cma"].cma_counters().pages_lent == 0
        with pytest.raises(ValueError, match="counters"):
            heaps["apps"].cma_counters()


# --- Long traces, and the way back ---------------------------------------------


def wild(events=2000):
    """A random trace on :func:`busy_board`, with every outcome in it."""
    rng = np.random.default_rng(5)
    held, requests = {}, []
    for buffer in rng.integers(0, 40, events).tolist():
        if buffer in held:
            requests.append(free(buffer, held.pop(buffer)))
            continue
        names = ["apps", "apps", "apps", "cma", "cma", "dma", "system"]
        held[buffer] = str(rng.choice(names))
        pages = 1 if held[buffer] == "dma" else int(rng.integers(1, 500))
        requests.append(alloc(buffer, pages * 4 * KiB, held[buffer]))
    return trace_of(*requests)


def test_a_long_trace_is_counted_alike(tmp_path):
    trace, path = wild(), tmp_path / "t.parquet"
    trace.write(path)
    run = hk.replay(trace, busy_board(), check_every=50)
    told = hk.replay_file(path, busy_board()).summary()
    for name in ("busy_retries", "pages_migrated", "no_target"):
        assert told[name] == run.summary()[name] > 0


def test_a_layout_from_a_checkpoint_is_the_one_from_the_start():
    trace = wild()
    near = hk.replay(trace, busy_board(), checkpoint_every=100)
    far = hk.replay(trace, busy_board(), checkpoint_every=10**6)
    for event in (777, 1999):
        for heap in ("apps", "cma", "system"):
            one, two = near.snapshot(event, heap), far.snapshot(event, heap)
            assert list(one.regions) == list(two.regions)


def test_load_of_large_blocks_holds_whole_blocks():
    load = hk.PageLoad(name="un", migratetype="unmovable", order=3)
    trace = trace_of((0, 0, 4 * KiB, "un"), (0, 1, 36 * KiB, "un"))
    run = hk.replay(trace, busy_board(heaps=(load,)), progress=False)
    assert run.summary()["peak_used_bytes"] == {"un": 96 * KiB}


def test_refusal_of_large_blocks_names_what_is_kept_back():
    load = hk.PageLoad(name="un", migratetype="unmovable", order=9)
    memory = hk.Memory(total=8 * MiB, min_free=3 * MiB)
    trace = trace_of((0, 0, 4 * MiB, "un"), (0, 1, 2 * MiB, "un"))
    run = hk.replay(trace, busy_board(memory=memory, heaps=(load,)), progress=False)
    assert run["status"].tolist() == [0, -errno.ENOMEM]
    assert "keeps 3 MiB back from orders above 0" in run.explain(1)


@pytest.mark.parametrize("load", [(), (hk.PageLoad(name="apps"),)], ids=["", "load"])
def test_free_runs_of_neighbouring_ranges_are_not_one(load):
    area = hk.CmaHeap(name="cma", ranges=((4 * MiB, 2 * MiB), (6 * MiB, 2 * MiB)))
    trace = trace_of((0, 0, 3 * MiB, "cma"))
    run = hk.replay(trace, busy_board(heaps=(area, *load)), progress=False)
    assert "in 2 pieces, the longest 2 MiB" in run.explain(0)
    assert "it could have served is 2 MiB" in run.explain(0)
