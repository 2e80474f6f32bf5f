# SPDX-License-Identifier: MIT
"""What a heap's policies do, through the public door."""

import errno

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op
from heapkit.show import figure_of
from heapkit.snapshot import State
from heapkit.views import snapshots, strip

PAGE = 4096
CHUNK = 64 * KiB


def board_of(*heaps, total=64 * MiB, **more):
    memory = hk.Memory(total=total, min_free=0)
    return hk.Board(name="b", memory=memory, heaps=heaps, **more)


def trace_of(*requests):
    """(op, buffer, size, heap) each, a millisecond apart."""
    op, buffer, size, heap = zip(*requests, strict=True)
    return hk.Trace.from_columns(
        op=op,
        buffer=buffer,
        size=size,
        heap=list(heap),
        time_ns=np.arange(len(op)) * 1_000_000,
    )


# --- A CMA area that drops pages -------------------------------------------------

AREA = hk.CmaHeap(name="cma", size=4 * MiB, base=8 * MiB)
DROPPED = trace_of(
    (Op.ALLOC, 0, 11 * MiB, "system"),
    (Op.ALLOC, 1, 2 * MiB, "cache"),
    (Op.ALLOC, 2, MiB, "cma"),
    (Op.FREE, 1, 0, "cache"),
)


@pytest.fixture
def cached():
    """16 MiB, of which 8 to 12 MiB are lent to a page cache."""
    cache = hk.PageLoad(name="cache", clean=True)
    return board_of(hk.SystemHeap(), AREA, cache, total=16 * MiB)


def test_clean_pages_are_dropped_and_counted(cached):
    run = hk.replay(DROPPED, cached, check_every=1)
    assert run["pages_discarded"].tolist() == [0, 0, 256, 0]
    assert run["pages_migrated"].tolist() == [0, 0, 0, 0]
    assert run.cma_counters("cma").pages_discarded == 256
    assert run.summary()["pages_discarded"] == 256
    costs = {name: cost.value for name, cost in cached.costs.items()}
    page = ("discard_page", "unmap_mapping", "cma_page", "zero_page_1m")
    once = costs["allocate_call"] + costs["cma_call"]
    assert run["latency_ns"][2] == pytest.approx(
        once + 256 * sum(costs[name] for name in page), abs=1
    )


def test_a_file_counts_them_too(cached, tmp_path):
    path = tmp_path / "t.parquet"
    DROPPED.write(path)
    assert hk.replay_file(path, cached).summary()["pages_discarded"] == 256


# docs/decisions/0086: the core has what is left, the trace what was asked.
def test_a_dropped_page_is_gone_from_its_load_but_was_asked_for(cached):
    run = hk.replay(DROPPED, cached)
    assert run["entries"].tolist() == [11, 512, 1, 256]
    cache = run.snapshot(2, "cache")
    held = sum(r.size for r in cache.regions if r.owner == "#1")
    assert held == MiB
    assert hk.metrics.held_bytes(run, "cache").tolist() == [
        0,
        2 * MiB,
        2 * MiB,
        0,
    ]
    assert int(run["free_bytes"][2]) == 3 * MiB


def test_explain_says_what_was_dropped(cached):
    run = hk.replay(DROPPED, cached)
    assert "after dropping 256 clean pages" in run.explain(2)
    everything = hk.replay(
        trace_of(
            (Op.ALLOC, 0, 11 * MiB, "system"),
            (Op.ALLOC, 1, PAGE, "cache"),
            (Op.ALLOC, 2, PAGE, "apps"),
            (Op.ALLOC, 3, PAGE, "dma"),
            (Op.ALLOC, 4, 4 * PAGE, "cma"),
            (Op.ALLOC, 5, 4 * MiB - 4 * PAGE, "cma"),
        ),
        cached.replace(
            {
                "heaps": (
                    *cached.heaps,
                    hk.PageLoad(name="apps"),
                    hk.PageLoad(name="dma", pinned=True),
                )
            }
        ),
    )
    words = "after moving 1 borrowed page, dropping 1 clean page and giving up 1 busy"
    assert words in everything.explain(4)


def test_a_discarding_area_is_had_whatever_else_is_full():
    board = board_of(
        hk.CmaHeap(name="cma", size=8 * MiB, discard=True),
        hk.PageLoad(name="apps"),
        hk.PageLoad(name="cache", clean=True),
        total=16 * MiB,
    )
    run = hk.replay(
        trace_of(
            (Op.ALLOC, 0, 8 * MiB, "apps"),
            (Op.ALLOC, 1, PAGE, "apps"),
            (Op.ALLOC, 2, 8 * MiB, "cache"),
            (Op.ALLOC, 3, 8 * MiB, "cma"),
        ),
        board,
        check_every=1,
    )
    assert run["status"].tolist() == [0, -errno.ENOMEM, 0, 0]
    assert run["pages_discarded"][3] == 2048


# --- Chunks from CMA ---------------------------------------------------------------


def chunked(**more):
    return hk.CmaHeap(name="video", size=8 * MiB, chunk=CHUNK, **more)


def test_a_buffer_of_chunks_has_an_entry_each():
    with hk.simulate(board_of(chunked())) as heaps:
        buffer = heaps["video"].allocate(MiB + 1)
        assert [e.size for e in buffer.entries] == [CHUNK] * 17
        assert buffer.size == MiB + PAGE
        assert heaps["video"].gauges().free_bytes == 7 * MiB - CHUNK
        heaps.check()


def test_explain_tells_chunks_that_are_not_in_runs():
    rows = [(Op.ALLOC, i, MiB, "video") for i in range(8)]
    rows += [(Op.FREE, i, 0, "video") for i in range(0, 8, 2)]
    run = hk.replay(
        trace_of(*rows, (Op.ALLOC, 9, 2 * MiB, "video")), board_of(chunked())
    )
    assert run["status"][-1] == -errno.ENOMEM
    told = run.explain(len(run) - 1)
    assert "4 MiB are free in 4 pieces, but not in the runs of chunks" in told
    assert "could have served is 1.94 MiB" in told


# --- Memory of another world ---------------------------------------------------------


def secure(**more):
    return hk.SecureHeap(name="s", size=8 * MiB, **more)


def leaks_of(heap, seed=0, size=CHUNK):
    with hk.simulate(board_of(heap, seed=seed)) as heaps:
        for _ in range(60):
            heaps[heap.name].allocate(size).close()
        heaps.check()
        snapshot = heaps[heap.name].snapshot()
    leaked = [r for r in snapshot.regions if r.state is State.LEAKED]
    return [(r.address, r.size) for r in leaked]


@pytest.mark.parametrize(
    "heap",
    [
        secure(handback_failures=0.25),
        hk.SystemHeap(name="s", encrypted=True, reencrypt_failures=0.25),
    ],
    ids=["secure", "encrypted"],
)
def test_which_hand_backs_fail_is_the_boards_seed(heap):
    one = leaks_of(heap)
    assert 5 <= sum(size for _, size in one) // CHUNK <= 25
    assert leaks_of(heap) == one
    assert leaks_of(heap, seed=1) != one


@pytest.mark.parametrize("share", [0, 1])
def test_none_fail_or_all(share):
    leaked = sum(size for _, size in leaks_of(secure(handback_failures=share)))
    assert leaked == share * 60 * CHUNK


def test_a_static_pool_pays_no_hand_over():
    def paid(heap):
        return hk.replay(trace_of((Op.ALLOC, 0, MiB, "s")), board_of(heap))[
            "latency_ns"
        ][0]

    board = board_of(secure())
    page = board.costs["protect_page"].value
    assert paid(secure(handback_failures=0)) - paid(secure()) == 256 * page


def test_leaked_memory_is_drawn_as_what_it_is():
    with hk.simulate(board_of(secure(handback_failures=1))) as heaps:
        heaps["s"].allocate(MiB).close()
        heaps["s"].allocate(MiB)
        snapshot = heaps["s"].snapshot()
    assert snapshot.bytes_in(State.LEAKED) == MiB
    assert snapshot.free_bytes == 6 * MiB
    columns = snapshots.snapshot_columns(snapshot)
    (row,) = np.flatnonzero(np.asarray(columns["code"]) == strip.LEAKED)
    assert columns["owner"][row] == "leaked"
    assert columns["size"][row] == MiB
    owners = snapshots.owner_columns(snapshot)
    assert owners["owner"] == ["leaked", "#0", "free"]
    assert figure_of(snapshot)


def test_a_heap_takes_the_private_flags_that_it_has():
    with hk.simulate(board_of(secure(private_flags=0b101))) as heaps:
        for flags in (0, 1, 4, 5):
            heaps["s"].allocate(PAGE, heap_flags=flags).close()
        with pytest.raises(OSError, match="heap_flags=0x2") as caught:
            heaps["s"].allocate(PAGE, heap_flags=2)
    assert caught.value.errno == errno.EINVAL


def test_a_secure_heap_aligns_what_it_places():
    heap = secure(fit="first-align", align=CHUNK)
    with hk.simulate(board_of(heap)) as heaps:
        heaps["s"].allocate(PAGE)
        assert heaps["s"].allocate(PAGE).entries[0].address % CHUNK == 0


# --- Limits -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "code"),
    [(PAGE + 1, errno.EINVAL), (2 * MiB, errno.EINVAL), (MiB, 0)],
)
def test_a_memfd_takes_whole_pages_up_to_its_limit(size, code):
    with hk.simulate(board_of(hk.UdmabufHeap(size_limit=MiB))) as heaps:
        if not code:
            assert len(heaps["udmabuf"].allocate(size).entries) == size // PAGE
            return
        with pytest.raises(OSError, match=f"udmabuf: {size} bytes") as caught:
            heaps["udmabuf"].allocate(size)
    assert caught.value.errno == code


def test_ions_half_of_the_memory_leads_to_the_next_heap():
    board = board_of(hk.SystemHeap(max_share="half"), hk.SystemHeap(name="all"))
    run = hk.replay(trace_of((Op.ALLOC, 0, 33 * MiB, "system|all")), board)
    assert run.heap_names[run["heap"][0]] == "all"
    assert "its limit, 32 MiB in one buffer, and 33 MiB are asked" in run.explain(0)


def test_explain_says_why_a_memfd_is_einval():
    board = board_of(hk.UdmabufHeap(size_limit=MiB))
    run = hk.replay(
        trace_of((Op.ALLOC, 0, PAGE + 1, "udmabuf"), (Op.ALLOC, 1, 2 * MiB, "udmabuf")),
        board,
    )
    assert run["status"].tolist() == [-errno.EINVAL] * 2
    assert "a memfd is exported in whole pages, and 4097 B are none" in run.explain(0)
    assert "its limit, 1 MiB in one buffer, and 2 MiB are asked" in run.explain(1)


# --- Pools --------------------------------------------------------------------------


def test_ions_pools_keep_what_a_failed_allocation_had():
    def pooled(unwind):
        pool = hk.PagePool(deferred_free=False, unwind=unwind)
        board = board_of(hk.SystemHeap(pool=pool))
        return hk.replay(trace_of((Op.ALLOC, 0, 65 * MiB, "system")), board)[
            "pool_bytes"
        ][0]

    assert pooled("pool") == 64 * MiB
    assert pooled("buddy") == 0


def test_pools_are_shrunk_from_either_end():
    def left(shrink):
        pool = hk.PagePool(deferred_free=False, shrink=shrink)
        board = board_of(hk.SystemHeap(pool=pool))
        rows = [
            (Op.ALLOC, 0, MiB + 68 * KiB, "system"),
            (Op.FREE, 0, 0, "system"),
            (Op.PRESSURE, 0, PAGE, "system"),
        ]
        run = hk.replay(trace_of(*rows), board, pool_fill="system")
        return run.pool_fill("system")[-1].tolist()

    assert left("ascending") == [1, 1, 0]
    assert left("descending") == [0, 1, 1]
