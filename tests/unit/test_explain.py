# SPDX-License-Identifier: MIT
"""What an event did and why, in plain words."""

import re

import heapkit as hk
from heapkit import KiB, MiB, Op

PAGE = 4096


def replay(board, *rows, heap="camera", step_ns=1000, **more):
    ops, buffers, sizes = zip(*rows, strict=True)
    trace = hk.Trace.from_columns(
        op=[Op[op] for op in ops],
        buffer=buffers,
        size=sizes,
        heap=heap,
        time_ns=[i * step_ns for i in range(len(rows))],
        **more,
    )
    return hk.replay(trace, board)


def one_heap(heap, **more):
    return hk.Board(name="one", heaps=(heap,), **more)


def checkerboard(n, size):
    """``n`` buffers of ``size`` bytes, every other one freed again."""
    yield from (("ALLOC", i, size) for i in range(n))
    yield from (("FREE", i, 0) for i in range(0, n, 2))


def test_served_allocation_tells_where_and_what_is_left(bench):
    sentence = replay(bench, ("ALLOC", 7, 8 * MiB)).explain(0)
    assert sentence.startswith("Event 0, ALLOC: buffer 7 asks camera for 8 MiB. ")
    assert "served by camera at 0x100000000 in 1 entry" in sentence
    assert "8 MiB are free then, the longest run 8 MiB." in sentence


def test_served_allocation_without_gauges_leaves_them_out(bench):
    run = replay(bench, ("ALLOC", 7, 8 * MiB))
    bare = hk.replay(run.trace, bench, gauges=False)
    assert "free" not in bare.explain(0)


def test_fallback_tells_why_the_first_heap_refused(bench):
    rows = [("ALLOC", 1, 12 * MiB), ("ALLOC", 2, 8 * MiB)]
    sentence = replay(bench, *rows, heap="camera|system").explain(1)
    assert "asks camera, else system, for 8 MiB" in sentence
    assert "camera refuses: exhausted, 4 MiB of 16 MiB are free" in sentence
    assert "largest buffer it could have served is 4 MiB" in sentence
    assert "served by system, heap 2 of its chain, at 0x" in sentence
    assert "in 8 entries" in sentence


def test_fragmented_carveout_tells_pieces_and_the_longest(bench):
    rows = [*checkerboard(16, 1 * MiB), ("ALLOC", 99, 2 * MiB)]
    sentence = replay(bench, *rows).explain(-1)
    assert "fragmented, 8 MiB are free but in 8 pieces, the longest 1 MiB" in sentence
    assert "largest buffer it could have served is 1 MiB" in sentence
    assert "fails with ENOMEM (Cannot allocate memory): there is no other heap" in (
        sentence
    )


def test_exhausted_chain_tells_each_heap(bench):
    rows = [("ALLOC", 1, 16 * MiB), ("ALLOC", 2, 8 * MiB), ("ALLOC", 3, 8 * MiB)]
    sentence = replay(bench, *rows, heap=["camera", "video", "camera|video"]).explain(2)
    assert re.search(r"camera refuses: .*video refuses: ", sentence)
    assert sentence.endswith("no heap was left to try.")


def test_more_than_the_whole_heap_is_said(bench):
    sentence = replay(bench, ("ALLOC", 1, 17 * MiB)).explain(0)
    assert "17 MiB are more than the whole heap, 16 MiB" in sentence


def test_a_page_more_than_the_whole_heap_is_told_from_it(bench):
    sentence = replay(bench, ("ALLOC", 1, 16 * MiB + 1)).explain(0)
    assert "16781312 B are more than the whole heap, 16 MiB" in sentence


def test_alignment_that_spoils_a_run_is_said():
    board = one_heap(
        hk.CmaHeap(name="cma", size=8 * MiB, base=0x8000_0000),
        memory=hk.Memory(total=64 * MiB, base=0x8000_0000),
    )
    sizes = [512, 512, 512, 256, 256, 6 * 1024]
    rows = [
        *(("ALLOC", i, size * KiB) for i, size in enumerate(sizes)),
        *(("FREE", i, 0) for i in (1, 2, 3)),
        ("ALLOC", 9, 1 * MiB),
    ]
    sentence = replay(board, *rows, heap="cma").explain(-1)
    assert (
        "cma refuses: alignment, the longest of 1 piece is 1.25 MiB but none holds "
        "1 MiB at a multiple of 1 MiB. The largest buffer it could have served is "
        "768 KiB"
    ) in sentence


def test_pages_that_wait_for_deferred_free_are_said():
    board = one_heap(
        hk.CarveoutHeap(name="c", size=8 * MiB, zero="free", deferred_free=True)
    )
    rows = [("ALLOC", 1, 8 * MiB), ("FREE", 1, 0), ("ALLOC", 2, 8 * MiB)]
    run = replay(board, *rows, heap="c", step_ns=1)
    assert "8 MiB wait to be zeroed and returned (deferred free)" in run.explain(1)
    assert "8 MiB more are freed but not yet returned" in run.explain(2)


def test_exhausted_memory_is_said(bench):
    sentence = replay(bench, ("ALLOC", 1, 400 * MiB), heap="system").explain(0)
    assert "exhausted, the page allocator has 240 MiB free" in sentence
    assert "400 MiB are needed" in sentence


def test_exhausted_memory_counts_what_could_be_reclaimed(bench):
    rows = [("ALLOC", 1, 8 * MiB), ("FREE", 1, 0), ("ALLOC", 2, 400 * MiB)]
    deferred = replay(bench, *rows, heap="system-pooled", step_ns=1).explain(2)
    assert "232 MiB free, deferred frees 8 MiB, and 400 MiB are needed" in deferred
    pooled = replay(bench, *rows, heap="system-pooled", step_ns=10**9).explain(2)
    assert "232 MiB free, the pools had 8 MiB to reclaim, and 400" in pooled


def test_largest_free_of_a_system_heap_is_a_block(bench):
    served = replay(bench, ("ALLOC", 1, MiB), heap="system").explain(0)
    assert "239 MiB are free then, the largest block 4 MiB" in served


def test_pool_hits_are_said(bench):
    rows = [("ALLOC", 1, 2 * MiB), ("FREE", 1, 0), ("ALLOC", 1, 2 * MiB)]
    run = replay(bench, *rows, heap="system-pooled", step_ns=10**9)
    assert "in 2 entries, 2 of them from the pool" in run.explain(2)


def test_free_tells_how_long_the_buffer_was_held(bench):
    run = replay(bench, ("ALLOC", 1, 8 * MiB), ("FREE", 1, 0), step_ns=5_000_000)
    assert "buffer 1, 8 MiB of camera at 0x100000000, is freed after 5 ms" in (
        run.explain(1)
    )


def test_free_of_a_refused_buffer_does_nothing(bench):
    rows = [("ALLOC", 1, 17 * MiB), ("FREE", 1, 0)]
    assert replay(bench, *rows).explain(1) == (
        "Event 1, FREE: buffer 1 was refused at event 0, so there is nothing to do."
    )


def test_cpu_access_tells_who_and_how_much(bench):
    rows = [("ALLOC", 1, 2 * MiB), ("BEGIN_CPU", 1, 0), ("END_CPU", 1, 64 * KiB)]
    run = replay(bench, *rows, access=[3, 1, 3], offset=[0, 0, 4096])
    begin, end = run.explain(1), run.explain(2)
    assert "the CPU's read access to the whole of buffer 1 begins (2 MiB in" in begin
    assert "read/write access to 64 KiB from 4 KiB on of buffer 1 ends" in end


def test_cpu_access_outside_of_the_buffer_is_einval(bench):
    rows = [("ALLOC", 1, 4096), ("BEGIN_CPU", 1, 8192)]
    assert "refused with EINVAL (Invalid argument)" in replay(bench, *rows).explain(1)


def test_device_is_named(bench):
    rows = [("ALLOC", 1, 4096), ("ATTACH", 1, 0), ("UNMAP", 1, 0)]
    run = replay(bench, *rows, device="isp")
    assert "ATTACH: device isp and buffer 1 (4 KiB in 1 entry); it takes" in (
        run.explain(1)
    )
    assert "UNMAP: device isp and buffer 1: refused with EINVAL" in run.explain(2)


def test_device_op_on_a_refused_buffer_does_nothing(bench):
    rows = [("ALLOC", 1, 17 * MiB), ("ATTACH", 1, 0)]
    assert "nothing to do, the buffer was refused at event 0" in (
        replay(bench, *rows).explain(1)
    )


def test_pressure_tells_what_the_pools_hold_then(bench):
    rows = [("ALLOC", 1, 4 * MiB), ("FREE", 1, 0), ("PRESSURE", 0, 1 * MiB)]
    run = replay(bench, *rows, heap="system-pooled", step_ns=10**9)
    assert "asked for 1 MiB" in run.explain(2)
    assert "the pools then hold 3 MiB" in run.explain(2)


SHARED = [
    ("ALLOC", 7, 64 * KiB),
    ("SHARE", 7, 0),
    ("MMAP", 7, 0),
    ("CPU_WRITE", 7, 4 * KiB),
    ("DEVICE_READ", 7, 0),
    ("VMAP", 7, 0),
    ("VUNMAP", 7, 0),
    ("MUNMAP", 7, 0),
    ("FREE", 7, 0),
    ("FREE", 7, 0),
]
WHO = ["app", "codec", *["app"] * 7, "codec"]


def test_what_is_done_with_the_memory_is_said(bench):
    more = {"device": "isp", "offset": [0, 0, 0, 8192, 16384, 0, 0, 0, 0, 0]}
    run = replay(bench, *SHARED, process=WHO, **more)
    told = [run.explain(i) for i in range(len(SHARED))]
    assert "buffer 7 gets one reference more, held by codec: 2 in all" in told[1]
    assert "app maps buffer 7 into its memory (64 KiB in 1 entry)" in told[2]
    assert "CPU_WRITE: the CPU writes 4 KiB from 8 KiB on of buffer 7 (" in told[3]
    assert "device isp reads all from 16 KiB on of buffer 7 (" in told[4]
    assert "the kernel maps buffer 7 for itself" in told[5]
    assert "the kernel gives up a mapping of buffer 7" in told[6]
    assert "app gives up the newest mapping of buffer 7" in told[7]
    assert "app gives up one of 2 references to buffer 7; with 1 left" in told[8]
    assert "buffer 7, 64 KiB of camera at 0x100000000, is freed after" in told[9]


def test_without_processes_nobody_is_named(bench):
    run = replay(bench, *SHARED)
    assert "buffer 7 gets one reference more: 2 in all" in run.explain(1)
    assert "a program maps buffer 7" in run.explain(2)
    assert "somebody gives up one of 2 references" in run.explain(8)


def test_references_count_from_the_last_allocation_of_an_id(bench):
    run = replay(bench, *SHARED, *SHARED)
    assert ": 2 in all" in run.explain(11)
    assert "is freed after" in run.explain(19)


def test_what_a_secure_heap_refuses_the_cpu_is_said(bench):
    rows = [("ALLOC", 1, 4096), ("CPU_READ", 1, 0), ("MMAP", 1, 0)]
    run = replay(bench, *rows, heap="protected,secure-video")
    assert "the CPU reads the whole of buffer 1: refused with EFAULT" in run.explain(1)
    assert "a program maps buffer 1 into its memory: refused with" in run.explain(2)


def test_a_mapping_without_maintenance_is_told_from_one_with_it(bench):
    rows = [("ALLOC", 1, 4096), ("ATTACH", 1, 0), ("MAP", 1, 0)]
    skips = replay(bench, *rows, device="isp", access=[0, 0, 4]).explain(2)
    plain = replay(bench, *rows, device="isp", access=[0, 0, 3]).explain(2)
    assert "device isp and buffer 1, without cache maintenance (4 KiB" in skips
    assert "device isp and buffer 1 (4 KiB" in plain
