# SPDX-License-Identifier: MIT
"""Who holds how much: Android's rules, what nobody owns, and who is charged."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import heapkit as hk
from heapkit import KiB, MiB, Op, accounting
from heapkit.errors import UnknownEvent
from heapkit.metrics import granted_size

WHO = ("provider", "app", "surfaceflinger", "kernel")
SIZE = 64 * KiB


def replayed(board, *rows, heap="system", **more):
    """Rows of op, buffer and process; an ALLOC is of 64 KiB."""
    ops, buffers, who = zip(*rows, strict=True)
    trace = hk.Trace.from_columns(
        op=[Op[op] for op in ops],
        buffer=buffers,
        size=[SIZE if op in ("ALLOC", "PRESSURE") else 0 for op in ops],
        heap=heap,
        time_ns=[10 * i for i in range(len(rows))],
        process=who,
        processes=WHO,
    )
    return hk.replay(trace, board, **more)


CROSSING = [
    ("ALLOC", 1, "provider"),
    ("SHARE", 1, "app"),
    ("SHARE", 1, "surfaceflinger"),
    ("ALLOC", 2, "app"),
    ("MMAP", 1, "app"),
    ("FREE", 1, "app"),
    ("FREE", 1, "provider"),
    ("MUNMAP", 1, "app"),
    ("FREE", 1, "surfaceflinger"),
]


def of(frame, process):
    return frame.set_index("process").loc[process]


def test_rss_is_the_whole_size_and_pss_a_share_of_it(bench):
    run = replayed(bench, *CROSSING)
    frame = accounting.processes(run, 3)
    assert frame["process"].tolist() == list(WHO)
    assert frame["rss"].tolist() == [SIZE, 2 * SIZE, SIZE, 0]
    third = SIZE // 3
    assert frame["pss"].tolist() == [third, third + SIZE, third, 0]
    assert frame["buffers"].tolist() == [1, 2, 1, 0]


def test_a_mapping_holds_a_buffer_as_an_fd_does(bench):
    run = replayed(bench, *CROSSING)
    assert accounting.buffers(run, 5)["processes"][0] == "provider, app, surfaceflinger"
    assert accounting.buffers(run, 6)["processes"][0] == "app, surfaceflinger"
    assert accounting.buffers(run, 7)["processes"][0] == "surfaceflinger"
    assert accounting.buffers(run)["buffer"].tolist() == [2]


def test_the_table_of_processes_and_buffers_is_dmabuf_dumps(bench):
    frame = accounting.at(replayed(bench, *CROSSING), 3)
    rows = list(zip(frame["process"], frame["buffer"], frame["holders"], strict=True))
    assert rows == [
        ("provider", 1, 3),
        ("app", 1, 3),
        ("app", 2, 1),
        ("surfaceflinger", 1, 3),
    ]
    assert set(frame["heap"]) == {"system"}


def test_what_only_a_driver_refers_to_is_kernel_only(bench):
    run = replayed(
        bench,
        ("ALLOC", 1, "app"),
        ("SHARE", 1, "kernel"),
        ("FREE", 1, "app"),
        ("FREE", 1, "kernel"),
    )
    shown = accounting.totals(run, 1)
    assert (shown["userspace"], shown["kernel_only"]) == (SIZE, 0)
    shown = accounting.totals(run, 2)
    assert (shown["total"], shown["userspace"], shown["kernel_only"]) == (SIZE, 0, SIZE)
    assert accounting.buffers(run, 2)["holders"].tolist() == [0]
    assert of(accounting.processes(run, 2), "kernel")["rss"] == 0
    assert accounting.totals(run)["total"] == 0
    assert "kernel" not in accounting.over_time(run)


def test_without_processes_one_unknown_process_does_it_all(bench):
    trace = hk.workloads.small_churn(heap="system", events=40)
    run = hk.replay(trace, bench)
    assert accounting.processes(run)["process"].tolist() == ["?"]
    rss = accounting.over_time(run)["?"]
    assert rss.tolist() == hk.metrics.held_bytes(run, "system").tolist()


def test_who_frees_what_it_does_not_hold_takes_it_from_nobody(bench):
    run = replayed(
        bench,
        ("ALLOC", 1, "provider"),
        ("SHARE", 1, "app"),
        ("FREE", 1, "surfaceflinger"),
        ("MUNMAP", 1, "app"),
        ("FREE", 1, "app"),
        ("ALLOC", 1, "app"),
    )
    assert accounting.strays(run).tolist() == [2]  # MUNMAP was refused: EINVAL
    assert accounting.buffers(run, 3)["processes"][0] == "provider, app"
    # The last reference: it ends the provider's too.
    assert accounting.totals(run, 4)["total"] == 0
    assert accounting.buffers(run)["processes"].tolist() == ["app"]


def test_a_refused_buffer_stays_out_of_every_table(bench):
    trace = hk.Trace.from_columns(
        op=[Op.ALLOC, Op.SHARE, Op.MMAP, Op.FREE],
        buffer=[1] * 4,
        size=[32 * MiB, 0, 0, 0],
        heap="camera",
        time_ns=range(4),
        process=["app", "provider", "app", "app"],
    )
    run = hk.replay(trace, bench)
    assert run["status"][0]
    for event in range(4):
        assert accounting.at(run, event).empty
        assert accounting.buffers(run, event).empty
        assert accounting.totals(run, event)["total"] == 0
    assert accounting.strays(run).tolist() == []


def test_a_size_is_what_the_heap_gave(bench):
    run = hk.replay(
        hk.Trace.from_columns(
            op=[Op.ALLOC], buffer=[1], size=[1], heap="video", time_ns=[0]
        ),
        bench,
    )
    chunk = bench.heap("video").chunk
    assert accounting.heaps(run).set_index("heap").loc["video", "bytes"] == chunk


def test_a_load_is_no_dma_buf(bench):
    board = dataclasses.replace(bench, heaps=(*bench.heaps, hk.PageLoad(name="anon")))
    run = replayed(board, ("ALLOC", 1, "app"), heap="anon")
    assert accounting.totals(run)["total"] == 0
    assert accounting.at(run).empty


def test_events_count_from_the_end_and_those_that_are_not_there_are_refused(bench):
    run = replayed(bench, *CROSSING)
    assert accounting.at(run, -6).equals(accounting.at(run, 3))
    for table in (
        accounting.at,
        accounting.buffers,
        accounting.heaps,
        accounting.processes,
        accounting.totals,
    ):
        with pytest.raises(UnknownEvent, match="event 9; this run has 9"):
            table(run, 9)


@pytest.mark.parametrize("table", ["at", "buffers", "heaps", "over_time", "strays"])
def test_what_has_no_rows_is_refused(bench, tmp_path, table):
    path = tmp_path / "t.parquet"
    replayed(bench, *CROSSING).trace.write(path)
    run = hk.replay_file(path, bench)
    with pytest.raises(ValueError, match=r"accounting: run=<FileRun.*a heapkit.Run"):
        getattr(accounting, table)(run)


# --- What nobody owns --------------------------------------------------------


def test_pools_are_held_by_nobody_until_pressure_drains_them(bench):
    rows = [("ALLOC", 1, "app"), ("FREE", 1, "app"), ("PRESSURE", 0, "app")]
    pool = hk.PagePool(deferred_free=False)
    board = hk.Board(
        name="one",
        memory=hk.Memory(total=64 * MiB),
        heaps=(hk.SystemHeap(name="system-pooled", pool=pool),),
    )
    run = replayed(board, *rows, heap="system-pooled")
    assert accounting.totals(run, 0)["pool"] == 0
    shown = accounting.totals(run, 1)
    assert shown["pool"] == shown["unowned"] == SIZE
    assert (shown["total"], shown["deferred"]) == (0, 0)
    assert accounting.totals(run, 2)["pool"] == run["pool_bytes"][2] == 0
    frame = accounting.heaps(run, 1).set_index("heap")
    assert frame.loc["system-pooled", "pool_bytes"] == SIZE
    assert frame["bytes"].sum() == 0


def test_a_deferred_free_is_held_by_nobody():
    heap = hk.SystemHeap(pool=hk.PagePool())
    board = hk.Board(name="one", memory=hk.Memory(total=64 * MiB), heaps=(heap,))
    run = replayed(board, ("ALLOC", 1, "app"), ("FREE", 1, "app"))
    assert accounting.totals(run)["deferred"] == run["deferred_bytes"][1] == SIZE


def test_a_run_without_gauges_leaves_them_out(bench):
    run = replayed(bench, *CROSSING, gauges=False)
    assert "pool" not in accounting.totals(run)
    assert "pool_bytes" not in accounting.heaps(run)
    assert "pool" not in accounting.over_time(run, "all")
    assert set(accounting.high_water(run)["of"]) == {"all", "heap", "process"}


# --- Over time ---------------------------------------------------------------


def test_high_water_is_the_first_event_of_the_most(bench):
    frame = accounting.high_water(replayed(bench, *CROSSING))
    most = frame.set_index(["of", "name", "measure"])
    assert most.loc["all", "", "total"].tolist() == [2 * SIZE, 3, 30]
    assert most.loc["heap", "system", "bytes"].tolist() == [2 * SIZE, 3, 30]
    assert most.loc["process", "app", "rss"].tolist() == [2 * SIZE, 3, 30]
    assert most.loc["process", "surfaceflinger", "pss"].tolist() == [SIZE, 7, 70]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "buffer"}, "over_time: by='buffer'; allowed: 'process', 'heap', 'all'"),
        ({"measure": "uss"}, "over_time: measure='uss'; allowed: 'rss', 'pss'"),
    ],
)
def test_a_measure_that_is_none_is_refused(bench, arguments, message):
    with pytest.raises(ValueError, match=message):
        accounting.over_time(replayed(bench, *CROSSING), **arguments)


def test_an_empty_run_has_no_high_water(bench):
    trace = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    run = hk.replay(trace, bench)
    assert accounting.high_water(run).empty
    assert accounting.over_time(run) == {"?": pytest.approx([])}


# --- Against counting one event after the other ------------------------------


def random_trace(seed, events=120):
    """Anything that a trace may say of references and mappings, strays included."""
    random = np.random.default_rng(seed)
    heaps = ("system-pooled", "camera|system", "protected,secure-video", "anon")
    held, rows = {}, []
    while len(rows) < events:
        which, who = int(random.integers(8)), int(random.integers(len(WHO)))
        kinds = (Op.FREE, Op.SHARE, Op.MMAP, Op.MUNMAP, Op.CPU_READ, Op.PRESSURE)
        op = Op(random.choice(kinds)) if held.get(which) else Op.ALLOC
        held[which] = held.get(which, 0) + {0: 1, 24: 1, 1: -1}.get(int(op), 0)
        size = int(random.integers(1, 6 * MiB)) if op in (Op.ALLOC, Op.PRESSURE) else 0
        rows.append((op, which, size, int(random.integers(len(heaps))), who))
    op, buffer, size, heap, who = zip(*rows, strict=True)
    return hk.Trace.from_columns(
        op=op,
        buffer=buffer,
        size=size,
        heap=heap,
        heaps=heaps,
        time_ns=np.cumsum(random.integers(0, 10_000, events)),
        process=who,
        processes=WHO,
    )


class Naive:
    """What each process holds, one event after the other."""

    def __init__(self, run):
        self.run, self.held, self.left, self.size, self.strays = run, {}, {}, {}, []

    def step(self, i):
        run, op, buffer = self.run, Op(self.run["op"][i]), int(self.run["buffer"][i])
        who = WHO[run.trace.process[i]]
        if op is Op.ALLOC:
            self.left[buffer] = 1
            heap = run.heap_names[run["heap"][i]]
            if run["status"][i] == 0 and heap != "anon":
                given = granted_size(run, heap, run["size"][i : i + 1])
                self.size[buffer] = int(given[0])
                self.held[buffer] = [who], []
        elif op is Op.SHARE:
            self.left[buffer] += 1
        elif op is Op.FREE:
            self.left[buffer] -= 1
        if buffer in self.size and run["status"][i] == 0 and op is not Op.ALLOC:
            self.change(i, op, who, self.held[buffer])
        if op is Op.FREE and not self.left[buffer]:
            self.size.pop(buffer, None)
            self.held.pop(buffer, None)

    def change(self, i, op, who, held):
        if op in (Op.SHARE, Op.MMAP):
            held[op == Op.MMAP].append(who)
        elif op in (Op.FREE, Op.MUNMAP):
            mine = held[op == Op.MUNMAP]
            if who in mine:
                mine.remove(who)
            else:
                self.strays.append(i)

    def holders(self, buffer):
        return {who for part in self.held[buffer] for who in part} - {"kernel"}

    def rss(self, who):
        return sum(s for b, s in self.size.items() if who in self.holders(b))

    def pss(self, who):
        return sum(
            s // len(self.holders(b))
            for b, s in self.size.items()
            if who in self.holders(b)
        )

    def kernel_only(self):
        return sum(s for b, s in self.size.items() if not self.holders(b))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_all_tables_equal_counting_one_event_after_the_other(seed):
    board = hk.Board(
        name="small",
        memory=hk.Memory(total=64 * MiB, base=0x8000_0000),
        heaps=(
            hk.SystemHeap(),
            hk.SystemHeap(name="system-pooled", pool=hk.PagePool()),
            hk.CarveoutHeap(name="camera", size=8 * MiB, base=0x1_0000_0000),
            hk.SecureHeap(name="protected,secure-video", size=8 * MiB),
            hk.PageLoad(name="anon"),
        ),
    )
    run = hk.replay(random_trace(seed), board)
    naive = Naive(run)
    rss, pss = accounting.over_time(run), accounting.over_time(run, measure="pss")
    whole = accounting.over_time(run, "all")
    for i in range(len(run)):
        naive.step(i)
        for who in WHO[:3]:
            assert rss[who][i] == naive.rss(who)
            assert pss[who][i] == naive.pss(who)
        assert whole["total"][i] == sum(naive.size.values())
        assert whole["kernel_only"][i] == naive.kernel_only()
        if i % 50 == 0:
            frame = accounting.processes(run, i).set_index("process")
            assert frame["rss"][:3].tolist() == [naive.rss(w) for w in WHO[:3]]
            assert frame["pss"][:3].tolist() == [naive.pss(w) for w in WHO[:3]]
            shown = accounting.buffers(run, i)
            assert sorted(shown["buffer"]) == sorted(naive.size)
            assert sum(accounting.heaps(run, i)["bytes"]) == whole["total"][i]
            assert accounting.totals(run, i)["pool"] == whole["pool"][i]
    assert accounting.strays(run).tolist() == naive.strays


# --- Charges -----------------------------------------------------------------


def charged(run, charge, event=3):
    return accounting.processes(run, event, charge=charge)["charged"].tolist()


def test_a_rule_says_who_is_charged(bench):
    run = replayed(bench, *CROSSING, heap=["system", *[""] * 2, "camera", *[""] * 5])
    assert charged(run, "none") == [0, 0, 0, 0]
    assert charged(run, "allocator") == [SIZE, 0, 0, 0]
    assert charged(run, "charge_pid_fd") == [0, SIZE, 0, 0]
    assert charged(run, "dmem") == [0, 0, 0, 0]
    assert charged(run, "core") == [SIZE, SIZE, 0, 0]
    assert charged(run, "core", 8) == [0, SIZE, 0, 0]


def test_who_shares_with_nobody_is_charged_itself(bench):
    run = replayed(bench, ("ALLOC", 1, "app"), ("SHARE", 1, "app"), ("FREE", 1, "app"))
    assert charged(run, "charge_pid_fd", 2) == [0, SIZE, 0, 0]


def test_a_cma_heaps_buffers_are_charged_by_a_proposal(bench):
    run = replayed(bench, *CROSSING, heap="default_cma_region")
    assert charged(run, "allocator") == [0, 0, 0, 0]
    assert charged(run, "dmem") == [SIZE, SIZE, 0, 0]


def test_what_is_not_merged_is_called_a_proposal(bench):
    run = replayed(bench, *CROSSING)
    status = {
        name: accounting.processes(run, charge=name).attrs["charge"]
        for name in accounting.CHARGES
    }
    merged = {name for name, text in status.items() if "(merged: " in text}
    assert merged == {"none", "allocator"}
    assert all("(proposal: " in text for n, text in status.items() if n not in merged)


def test_allocations_beyond_a_limit_are_listed_not_refused(bench):
    rows = [("ALLOC", i, "app") for i in range(4)]
    rows += [("FREE", 0, "app"), ("FREE", 1, "app"), ("ALLOC", 9, "app")]
    rows += [("ALLOC", 10, "provider")]
    run = replayed(bench, *rows)
    frame = accounting.over_limit(run, {"app": 2 * SIZE, "provider": 0})
    assert frame["event"].tolist() == [2, 3, 6, 7]
    assert frame["charged"].tolist() == [3 * SIZE, 4 * SIZE, 3 * SIZE, SIZE]
    assert frame["process"].tolist() == ["app"] * 3 + ["provider"]
    assert "merged" in frame.attrs["charge"]
    assert accounting.over_limit(run, {"app": 2 * SIZE}, charge="none").empty
    assert accounting.over_limit(run, {}).empty


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({"nobody": 1},), "over_limit: limits='nobody'; allowed: provider, app"),
        (({"app": -1},), r"over_limit: limits\['app'\]=-1; allowed: an integer"),
        (({"app": 1}, "memcg"), "accounting: charge='memcg'; allowed: 'none', 'alloc"),
    ],
)
def test_a_limit_that_is_none_is_refused(bench, arguments, message):
    limits, *charge = arguments
    run = replayed(bench, *CROSSING)
    with pytest.raises(ValueError, match=message):
        accounting.over_limit(run, limits, charge=(charge or ["core"])[0])
