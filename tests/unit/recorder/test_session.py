# SPDX-License-Identifier: MIT
"""One trace out of tracepoints and lists, in which every buffer is once."""

import pytest

import heapkit as hk
from heapkit import Op
from heapkit.errors import BackendUnavailable, FormatError
from heapkit.recorder import identity, tracefs
from heapkit.recorder.session import Told, now_ns
from tests.unit.recorder.fake import (
    BUFINFO,
    TRACING,
    Machine,
    cma,
    heap_stat,
    line,
    release,
)

MIB = 1 << 20


def now(after_s=0.0):
    return now_ns() / 1e9 + after_s


def told(path):
    """(op, size, heap, process) of every event."""
    trace = hk.Trace.read(path)
    columns = zip(trace.op, trace.size, trace.chain, trace.process, strict=True)
    return [
        (Op(op).name, int(size), trace.heaps[heap], trace.processes[who])
        for op, size, heap, who in columns
    ]


def test_a_buffer_that_the_list_has_anew_is_allocated_and_then_freed(
    machine, session, path
):
    one = session()
    machine.list({5: (MIB, "system")})
    one.step()
    machine.list({})
    one.step()
    one.close()
    assert told(path) == [("ALLOC", MIB, "system", "?"), ("FREE", 0, "system", "?")]
    assert hk.Trace.read(path).buffer.tolist() == [5, 5]


def test_who_holds_a_new_buffer_is_found(machine, session, path):
    one = session()
    machine.write("proc/77/comm", "camera\n")
    machine.write(
        "proc/77/fdinfo/4", "ino:\t5\nsize:\t4096\ncount:\t1\nexp_name:\tsystem\n"
    )
    machine.list({5: (4096, "system")})
    one.step()
    one.close()
    assert told(path) == [("ALLOC", 4096, "system", "camera-77")]


def test_what_is_there_at_the_start_is_allocated_then_and_counted(
    machine, session, path
):
    machine.list({5: (MIB, "system"), 6: (4096, "reserved")})
    session().close()
    trace = hk.Trace.read(path)
    assert trace.meta["present_at_start"] == 2
    assert trace.op.tolist() == [Op.ALLOC] * 2
    assert len(set(trace.time_ns.tolist())) == 1


def test_a_cma_heaps_buffer_is_told_by_its_area_and_not_again_by_the_list(
    machine, session, path
):
    machine.area(count=100, used=0)
    one = session()
    machine.list({5: (16384, "reserved")})
    machine.trace(cma(now(), 0x1BE00, 4))
    one.step()
    machine.list({})
    machine.trace(release(now(), 0x1BE00, 4, task="kworker/0:1"))
    one.step()
    one.close()
    assert told(path) == [
        ("ALLOC", 16384, "reserved", "cat-123"),
        ("FREE", 0, "reserved", "cat-123"),
    ]
    assert identity.pfns(hk.Trace.read(path)).tolist() == [0x1BE00] * 2


@pytest.mark.parametrize(
    ("heap", "options"),
    [("default_cma_region", {}), ("camera", {"cma_heaps": ["camera"]})],
)
def test_a_heap_of_another_name_than_its_area_is_told_by_the_area_alone(
    machine, session, path, heap, options
):
    machine.area(count=100, used=0)
    one = session(**options)
    machine.list({5: (16384, heap), 6: (16384, "system")})
    machine.trace(cma(now(), 0x1BE00, 4))
    one.step()
    one.close()
    assert sorted(row[:3] for row in told(path)) == [
        ("ALLOC", 16384, "reserved"),
        ("ALLOC", 16384, "system"),
    ]


def test_a_heap_that_hands_out_of_an_area_without_events_is_in_the_list(
    tmp_path, monkeypatch, session, path
):
    events = ("dma_heap/dma_heap_stat",)
    machine = Machine(tmp_path / "android", monkeypatch, events=events)
    one = session(root=machine.root, cma_heaps=["camera"])
    machine.list({5: (16384, "camera")})
    one.step()
    one.close()
    assert told(path) == [("ALLOC", 16384, "camera", "?")]


def test_a_cma_buffer_that_was_there_before_ends_with_the_list(machine, session, path):
    machine.area(count=100, used=4)
    machine.list({5: (16384, "reserved")})
    one = session()
    machine.list({})
    machine.trace(release(now(), 0x1BE00, 4))
    one.step()
    one.close()
    assert [row[0] for row in told(path)] == ["ALLOC", "FREE"]


def test_a_refused_request_is_asked_for_and_let_go_at_once(machine, session, path):
    one = session()
    machine.trace(cma(now(), 2**64 - 1, 16384, errno=-12))
    one.step()
    one.close()
    trace = hk.Trace.read(path)
    assert trace.op.tolist() == [Op.ALLOC, Op.FREE]
    assert trace.meta["refused"] == 1
    events, errnos = identity.refusals(trace)
    assert (events.tolist(), errnos.tolist()) == ([0], [12])


def test_a_heap_statistic_is_an_allocation_at_its_time_and_named_by_the_list(
    tmp_path, monkeypatch, session, path
):
    machine = Machine(
        tmp_path / "android", monkeypatch, events=("dma_heap/dma_heap_stat",)
    )
    one = session(root=machine.root)
    machine.list({5: (MIB, "system")})
    machine.trace(heap_stat(now(), 5, MIB), heap_stat(now(), 6, 4096))
    machine.trace(heap_stat(now(), 6, -4096))
    one.step()
    one.step()
    one.close()
    assert told(path) == [
        ("ALLOC", MIB, "system", "cat-123"),
        ("ALLOC", 4096, "dma_heap", "cat-123"),
        ("FREE", 0, "dma_heap", "cat-123"),
    ]


def test_a_heap_statistic_after_its_cma_allocation_is_not_counted_again(
    tmp_path, monkeypatch, session, path
):
    events = ("cma/cma_alloc_finish", "cma/cma_release", "dma_heap/dma_heap_stat")
    machine = Machine(tmp_path / "android", monkeypatch, events=events)
    one = session(root=machine.root)
    machine.list({5: (16384, "linux,cma")})
    machine.trace(cma(now(), 0x100, 4), heap_stat(now(), 5, 16384))
    one.step()
    machine.list({})
    machine.trace(heap_stat(now(), 5, -16384), release(now(), 0x100, 4))
    one.step()
    one.close()
    assert [row[0] for row in told(path)] == ["ALLOC", "FREE"]


def test_an_exported_buffer_without_an_end_ends_with_the_list(
    tmp_path, monkeypatch, session, path
):
    machine = Machine(tmp_path / "new", monkeypatch, events=("dma_buf/dma_buf_export",))
    one = session(root=machine.root)
    machine.list({5: (4096, "system")})
    fields = "exp_name=system name=(null) size=4096 ino=5 f_refcnt=1"
    machine.trace(line(now(), "dma_buf_export", fields))
    one.step()
    machine.list({})
    one.step()
    one.close()
    assert [row[0] for row in told(path)] == ["ALLOC", "FREE"]


def test_pages_are_a_heap_of_their_own_and_only_on_request(
    tmp_path, monkeypatch, session, path
):
    events = ("cma/cma_release", "kmem/mm_page_alloc", "kmem/mm_page_free")
    machine = Machine(tmp_path / "pages", monkeypatch, events=events)
    one = session(root=machine.root, pages_order=4)
    condition = machine.instance / "events/kmem/mm_page_alloc/filter"
    assert condition.read_text() == "order >= 4"
    machine.trace(
        line(now(), "mm_page_alloc", "page=ab pfn=0x100 order=4 migratetype=0 g=X"),
        line(now(), "mm_page_alloc", "page=00 pfn=0x0 order=8 migratetype=0 g=X"),
        line(now(), "mm_page_free", "page=ab pfn=0x100 order=4"),
    )
    one.step()
    one.close()
    assert told(path) == [
        ("ALLOC", 65536, "page_allocator", "cat-123"),
        ("ALLOC", MIB, "page_allocator", "cat-123"),
        ("FREE", 0, "page_allocator", "cat-123"),
        ("FREE", 0, "page_allocator", "cat-123"),
    ]


def test_an_end_that_was_lost_follows_from_the_next_beginning(machine, session, path):
    one = session()
    machine.trace(cma(now(), 0x100, 4), cma(now(), 0x100, 8))
    one.step()
    one.close()
    assert [row[:2] for row in told(path)] == [
        ("ALLOC", 16384),
        ("FREE", 0),
        ("ALLOC", 32768),
    ]
    assert hk.Trace.read(path).meta["implied_frees"] == 1


def test_lost_events_and_lines_that_are_none_are_counted(machine, session, path):
    count = Told()
    one = session(told=count)
    machine.trace("CPU:0 [LOST 3 EVENTS]", "no line", line(now(), "cma_release", "x"))
    machine.overrun(5)
    one.step()
    one.close()
    assert (count.lost, count.unparsed, count.first_unparsed) == (5, 2, "no line")
    meta = hk.Trace.read(path).meta
    assert (meta["lost"], meta["unparsed"]) == (5, 2)


def test_a_line_that_is_not_whole_waits_for_its_end(machine, session, path):
    one = session()
    text = cma(now(), 0x100, 4)
    pipe = machine.instance / "trace_pipe"
    pipe.write_text(text[:40])
    one.step()
    with pipe.open("a") as file:
        file.write(text[40:] + "\n")
    one.step()
    one.close()
    assert len(told(path)) == 1


def test_malformed_lists_are_a_format_error_and_leave_a_whole_file(
    machine, session, path
):
    one = session()
    machine.list({5: (MIB, "system")})
    one.step()
    machine.write(BUFINFO, "nonsense\n")
    with pytest.raises(FormatError, match="bufinfo"):
        one.step()
    one.close()
    assert len(told(path)) == 1


def test_the_instance_is_made_for_it_and_removed(machine, session):
    one = session()
    assert (machine.instance / "trace_clock").read_text() == "mono"
    assert (machine.instance / "tracing_on").read_text() == "1"
    one.close()
    assert not machine.instance.exists()


def test_instances_of_the_dead_are_removed_and_no_others(machine, session, monkeypatch):
    instances = machine.root / TRACING / "instances"
    for name in ("heapkit-41", "heapkit-42.1", "perf"):
        (instances / name).mkdir()
    (machine.root / "proc/41").mkdir()
    removed = []
    monkeypatch.setattr(tracefs, "remove", lambda path: removed.append(path.name))
    session()
    assert "heapkit-42.1" in removed
    assert not {"heapkit-41", "perf"} & set(removed)


def test_nothing_to_record_says_what_would_give_it(tmp_path, session):
    (tmp_path / "empty/proc").mkdir(parents=True)
    (tmp_path / "empty/proc/1").write_text("")
    with pytest.raises(
        BackendUnavailable, match=r"nothing to record.*mount -t tracefs"
    ):
        session(root=tmp_path / "nowhere")


def test_a_trace_that_was_recorded_replays_on_a_board(machine, session, path):
    one = session()
    machine.trace(cma(now(), 0x100, 4), release(now(), 0x100, 4))
    machine.trace(cma(now(), 2**64 - 1, 10**6, errno=-12))
    one.step()
    one.close()
    board = hk.Board(
        name="small",
        memory=hk.Memory(total=64 * MIB),
        heaps=(hk.CmaHeap(name="reserved", size=16 * MIB),),
    )
    run = hk.replay(hk.Trace.read(path), board)
    assert run["status"].tolist()[:3] == [0, 0, -12]
