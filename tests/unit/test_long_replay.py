# SPDX-License-Identifier: MIT
"""A trace file on a board, part by part: what it counts, and how it goes on."""

import functools
import json
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op, checkpoint_file, pace
from heapkit.histogram import MAX_ERROR

EVENTS = 6000


ON_BUFFERS = [op for op in Op if op not in (Op.ALLOC, Op.FREE, Op.PRESSURE, Op.SHARE)]


def mixed(*, seed=1, events=EVENTS, ids=80):
    """All ops on some hundred buffers, whose ids are far apart and used again."""
    random = np.random.default_rng(seed)
    held, rows = [], []
    for _ in range(events):
        free = [i for i in range(ids) if i not in held] if len(held) < ids else []
        if free and (not held or random.random() < 0.4):
            held.append(int(random.choice(free)))
            rows.append((Op.ALLOC, held[-1], 1 << int(random.integers(8, 22))))
        elif random.random() < 0.03:
            rows.append((Op.PRESSURE, 0, 4 * MiB))
        elif random.random() < 0.5:
            rows.append((Op.FREE, held.pop(random.integers(len(held))), 0))
        else:
            op = Op(random.choice(ON_BUFFERS))
            rows.append((op, int(random.choice(held)), int(random.integers(1, 4096))))
    op, buffer, size = (
        np.array(column, np.uint64) for column in zip(*rows, strict=True)
    )
    chains = ("camera|system-pooled", "video", "system-pooled", "linux,cma|camera")
    return hk.Trace.from_columns(
        op=op,
        buffer=buffer * np.uint64(0x1_0001_0001_0001),
        size=size,
        heap=random.integers(0, len(chains), events),
        heaps=chains,
        time_ns=np.cumsum(random.integers(0, 200_000, events)),
        device=random.integers(0, 2, events),
        devices=("isp", "gpu"),
        access=random.integers(1, 4, events),
        offset=random.integers(0, 4096, events),
    )


@pytest.fixture
def board(bench):
    heaps = tuple(h for h in bench.heaps if h.name != "default_cma_region")
    small = (hk.CmaHeap(name="linux,cma", size=8 * MiB),)
    return hk.Board(name="bench", memory=bench.memory, heaps=(*heaps, *small))


@pytest.fixture(scope="module")
def trace():
    return mixed()


@pytest.fixture
def path(tmp_path, trace):
    path = tmp_path / "t.parquet"
    trace.write(path)
    pq.write_table(pq.read_table(path), path, row_group_size=1000)
    return path


def check_against(run, found):
    """Exact but for the percentiles, which are near."""
    exact = run.summary()
    summary = found.summary()
    near = exact.pop("allocation_latency_ns")
    for name, value in near.items():
        told = summary["allocation_latency_ns"][name]
        assert abs(told - value) <= MAX_ERROR * value
    assert {name: summary[name] for name in exact} == exact


# --- What is counted ---------------------------------------------------------


@pytest.mark.parametrize("batch", [3, 999, 1 << 16])
def test_a_file_is_summarised_as_its_trace_is(path, trace, board, batch):
    found = hk.replay_file(path, board, batch=batch)
    assert len(found) == len(trace)
    assert found.summary()["failures"] > 10
    assert found.summary()["fallbacks"] > 0
    check_against(hk.replay(trace, board), found)


@pytest.mark.parametrize("workload", ["camera_boot", "video_playback", "mixed_media"])
def test_every_workload_is_summarised_as_its_trace_is(tmp_path, workload):
    board = hk.Board.preset("phone-8g").replace({"camera.size": 64 * MiB})
    trace = getattr(hk.workloads, workload)()
    path = tmp_path / "t.parquet"
    trace.write(path)
    check_against(hk.replay(trace, board), hk.replay_file(path, board))


@pytest.mark.parametrize("buckets", [2, 64, 8192])
def test_envelopes_have_the_extremes_of_every_gauge(path, trace, board, buckets):
    found = hk.replay_file(path, board, buckets=buckets)
    run = hk.replay(trace, board)
    width = found.bucket_events
    assert -(-len(run) // width) <= buckets
    assert width == 1 or len(run) > buckets * width // 2
    for index, name in enumerate(board.heap_names):
        rows = found.envelope(name)
        for bucket, row in enumerate(rows):
            part = slice(bucket * width, (bucket + 1) * width)
            here = run["heap"][part] == index
            assert row["events"] == here.sum()
            for gauge, column in enumerate(hk._ffi.GAUGE_NAMES):
                values = run[column][part][here]
                assert row["low"][gauge] == values.min(initial=2**63) * bool(
                    len(values)
                )
                assert row["high"][gauge] == values.max(initial=0)
                assert row["sum"][gauge] == values.sum()


def test_refusals_in_an_envelope_are_those_of_each_heap(path, trace, board):
    found = hk.replay_file(path, board)
    run = hk.replay(trace, board)
    summary = found.summary()
    for name in board.heap_names:
        refused = hk.metrics.refused(run, name)
        assert summary["refused_by_heap"][name] == refused.sum()
        assert summary["asked_by_heap"][name] == hk.metrics.tried(run, name).sum()
        assert found.envelope(name)["refused"].sum() == refused.sum()


def test_the_first_refused_events_are_kept_whole(path, trace, board):
    run = hk.replay(trace, board)
    refused = np.flatnonzero(run["status"])
    frame = hk.replay_file(path, board, keep=9).refusals()
    assert frame["event"].tolist() == refused[:9].tolist()
    assert frame["buffer"].tolist() == trace.buffer[refused[:9]].tolist()
    assert frame["status"].tolist() == run["status"][refused[:9]].tolist()
    assert frame["op"].tolist() == [Op(o).name for o in trace.op[refused[:9]]]
    assert len(hk.replay_file(path, board, keep=0).refusals()) == 0


def test_latencies_are_counted_for_each_heap_and_op(path, trace, board):
    found = hk.replay_file(path, board)
    run = hk.replay(trace, board)
    for index, heap in enumerate(board.heap_names):
        for op in Op:
            here = (run["heap"] == index) & (trace.op == op) & (run["status"] == 0)
            told = found.latency(op, heap)
            assert told["count"] == here.sum()
            exact = hk.metrics.percentiles(run["latency_ns"][here])
            for name, value in exact.items():
                assert (value is None) == (told[name] is None)
                assert value is None or abs(told[name] - value) <= MAX_ERROR * value


def test_a_trace_without_optional_columns_is_one_plain_device(tmp_path, board):
    trace = mixed(events=500)
    plain = hk.Trace.from_columns(
        op=trace.op,
        buffer=trace.buffer,
        size=trace.size,
        heap=trace.chain,
        heaps=trace.heaps,
        time_ns=trace.time_ns,
    )
    path = tmp_path / "t.parquet"
    plain.write(path)
    check_against(hk.replay(plain, board), hk.replay_file(path, board))


def test_an_empty_trace_is_an_empty_run(tmp_path, board):
    path = tmp_path / "t.parquet"
    with hk.TraceWriter(path, heaps=()):
        pass
    found = hk.replay_file(path, board)
    assert len(found) == 0
    empty = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    exact = hk.replay(empty, board).summary()
    assert {k: found.summary()[k] for k in exact} == exact
    assert len(found.to_frame()) == len(found.refusals()) == 0


def test_runs_on_threads_equal_a_run_alone(path, board):
    alone = hk.replay_file(path, board)
    together = []
    threads = [
        threading.Thread(target=lambda: together.append(hk.replay_file(path, board)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 4
    assert all(run.equals(alone) for run in together)


def lending():
    """An area that lends its pages, of which some are pinned; it asks them back."""
    board = hk.Board(
        name="lending",
        memory=hk.Memory(total=16 * MiB, min_free=0),
        heaps=(
            hk.SystemHeap(),
            hk.CmaHeap(name="cma", size=4 * MiB, base=8 * MiB),
            hk.PageLoad(name="apps"),
            hk.PageLoad(name="dma", pinned=True),
        ),
    )
    # 11 of the 12 MiB outside of the area: movable pages come from the area.
    rows = [(Op.ALLOC, 0, 11 * MiB, "system"), (Op.ALLOC, 1, 64 * KiB, "dma")]
    for i in range(2, 300, 3):
        rows += [(Op.ALLOC, i, 1 * MiB, "apps"), (Op.ALLOC, i + 1, 1 * MiB, "cma")]
        rows += [(Op.FREE, i + 1, 0, "cma"), (Op.FREE, i, 0, "apps")]
    op, buffer, size, heap = zip(*rows, strict=True)
    return board, hk.Trace.from_columns(
        op=op, buffer=buffer, size=size, heap=heap, time_ns=range(len(op))
    )


def test_pages_that_had_to_move_are_summed_as_in_a_run(tmp_path, stop_after):
    board, trace = lending()
    path, checkpoint = tmp_path / "t.parquet", tmp_path / "c"
    trace.write(path)
    run, found = hk.replay(trace, board), hk.replay_file(path, board)
    assert found.summary()["pages_migrated"] > 0
    assert found.summary()["busy_retries"] > 0
    check_against(run, found)
    assert found.cma_counters("cma") == run.cma_counters("cma")
    with pytest.raises(ValueError, match="'apps' is no CMA heap; allowed: cma"):
        found.cma_counters("apps")
    stop_after(1)
    with pytest.raises(KeyboardInterrupt):
        hk.replay_file(path, board, checkpoint=checkpoint)
    assert hk.replay_file(path, board, checkpoint=checkpoint).equals(found)


# --- Bad input ---------------------------------------------------------------


def spoilt(path, column, row, value):
    """The file with one cell changed."""
    table = pq.read_table(path)
    index = table.column_names.index(column)
    cells = table.column(column).combine_chunks()
    values = cells.to_numpy().copy()
    values[row] = value
    changed = table.set_column(index, column, pa.array(values, cells.type))
    pq.write_table(changed, path, row_group_size=1000)
    return path


@pytest.mark.parametrize(
    ("column", "op", "value"),
    [
        ("op", Op.FREE, 9),
        ("size", Op.ALLOC, 0),
        ("size", Op.ALLOC, 2**64 - 1),
        ("buffer", Op.FREE, 12345),
        ("time_ns", Op.MAP, 17),
        ("access", Op.END_CPU, 0),
    ],
)
def test_the_first_event_that_no_trace_may_hold_is_named_as_by_read(
    path, trace, board, column, op, value
):
    row = int(np.flatnonzero(trace.op == op)[-3])
    spoilt(path, column, row, value)
    with pytest.raises(hk.FormatError) as whole:
        hk.Trace.read(path)
    with pytest.raises(hk.FormatError) as parts:
        hk.replay_file(path, board, batch=333)
    assert f"{column}[{row}]={value}" in str(parts.value)
    assert str(path) in str(parts.value)
    if column not in ("op", "access"):
        assert str(parts.value) == str(whole.value)


def test_a_time_before_the_first_is_told_from_the_event_before(path, board):
    spoilt(path, "time_ns", 0, -1)
    with pytest.raises(hk.FormatError, match=r"time_ns\[0\]=-1; allowed: 0 or more"):
        hk.replay_file(path, board)


def test_a_time_that_goes_back_between_batches_names_the_one_before(path, trace, board):
    spoilt(path, "time_ns", 999, 2**62)
    with pytest.raises(hk.FormatError, match=rf"time_ns\[1000\].*{2**62} or more"):
        hk.replay_file(path, board, batch=1000)


def test_a_heap_that_the_board_has_not_is_named_with_its_event(path, trace, board):
    heaps = tuple(h for h in board.heaps if h.name != "video")
    other = hk.Board(name="other", memory=board.memory, heaps=heaps)
    with pytest.raises(ValueError, match="asks for heap 'video'") as whole:
        hk.replay(trace, other)
    with pytest.raises(ValueError, match="asks for heap 'video'") as parts:
        hk.replay_file(path, other, batch=50)
    assert str(parts.value) == str(whole.value)
    assert not isinstance(parts.value, hk.FormatError)


def test_a_heap_that_no_event_asks_for_does_not_matter(tmp_path, board):
    path = tmp_path / "t.parquet"
    with hk.TraceWriter(path, heaps=("system", "nowhere")) as out:
        out.append(op=[Op.ALLOC], buffer=[1], size=[1], heap="system", time_ns=[0])
    assert hk.replay_file(path, board).summary()["failures"] == 0


def test_a_device_column_without_names_is_refused_where_a_device_is_used(
    path, trace, board
):
    table = pq.read_table(path)
    metadata = {**table.schema.metadata, b"heapkit.devices": b"[]"}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    row = int(np.flatnonzero(np.isin(trace.op, range(Op.ATTACH, Op.UNMAP + 1)))[0])
    with pytest.raises(hk.FormatError, match=rf"device\[{row}\]"):
        hk.replay_file(path, board)


def test_a_file_cut_short_is_refused(path, board):
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(hk.FormatError, match="no readable Parquet"):
        hk.replay_file(path, board)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch": 0}, "batch=0"),
        ({"batch": 1.5}, "batch=1.5"),
        ({"buckets": 7}, "buckets=7"),
        ({"buckets": 0}, "buckets=0"),
        ({"keep": -1}, "keep=-1"),
        ({"checkpoint_every": 0}, "checkpoint_every=0"),
        ({"checkpoint": 3}, "checkpoint=3"),
        ({"board": "phone-8g"}, "board='phone-8g'"),
        ({"path": 3}, "path=3"),
    ],
)
def test_a_wrong_argument_is_named(path, board, options, message):
    given = {"path": path, "board": board, **options}
    with pytest.raises(ValueError, match=message):
        hk.replay_file(given.pop("path"), given.pop("board"), **given)


def test_the_trace_is_no_place_for_the_checkpoint(path, board):
    with pytest.raises(ValueError, match="another file than the trace"):
        hk.replay_file(path, board, checkpoint=path)


# --- Stopping and going on ---------------------------------------------------


@pytest.fixture
def stop_after(monkeypatch):
    """Interrupt the replay after so many calls of the core, each of 100 events."""
    monkeypatch.setattr(pace, "FIRST", 100)
    monkeypatch.setattr(pace, "MOST", 100)
    real = hk._ffi.Machine.replay_part

    def stop_after(calls):
        left = [calls]

        def replay_part(self, *args, **options):
            found = real(self, *args, **options)
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return found

        monkeypatch.setattr(hk._ffi.Machine, "replay_part", replay_part)

    return stop_after


@pytest.mark.parametrize("calls", [1, 9, 10, 11, 37, 59])
def test_a_run_that_was_interrupted_goes_on_to_the_same_end(
    path, board, tmp_path, stop_after, calls
):
    whole = hk.replay_file(path, board)
    checkpoint = tmp_path / "checkpoint"
    stop_after(calls)
    with pytest.raises(KeyboardInterrupt, match=f"after {calls * 100} of 6000 events"):
        hk.replay_file(path, board, checkpoint=checkpoint)
    assert checkpoint.exists()
    resumed = hk.replay_file(path, board, checkpoint=checkpoint)
    assert resumed.equals(whole)
    assert resumed.summary() == whole.summary()
    assert not checkpoint.exists()


def test_a_run_may_be_interrupted_again_and_again(path, board, tmp_path, stop_after):
    whole = hk.replay_file(path, board)
    checkpoint = tmp_path / "checkpoint"
    stops = 0
    while True:
        stop_after(7)
        try:
            run = hk.replay_file(path, board, checkpoint=checkpoint, batch=1000 + stops)
            break
        except KeyboardInterrupt:
            stops += 1
    assert stops >= 8
    assert run.equals(whole)


def test_an_interrupt_says_how_to_go_on(path, board, tmp_path, stop_after):
    stop_after(3)
    with pytest.raises(KeyboardInterrupt, match=r"300 of 6000 events.*checkpoint=FILE"):
        hk.replay_file(path, board)
    assert [entry.name for entry in tmp_path.iterdir()] == ["t.parquet"]
    stop_after(3)
    checkpoint = tmp_path / "here"
    with pytest.raises(KeyboardInterrupt, match=r"goes on.*checkpoint='.*here'"):
        hk.replay_file(path, board, checkpoint=checkpoint)


def test_checkpoints_are_written_on_the_way(path, board, tmp_path, monkeypatch):
    written = []
    real = checkpoint_file.write

    def write(path, **sections):
        written.append(int(sections["arrays"]["totals"]["events"][0]))
        real(path, **sections)

    monkeypatch.setattr(checkpoint_file, "write", write)
    options = {"batch": 500, "checkpoint_every": 1200}
    run = hk.replay_file(path, board, checkpoint=tmp_path / "c", **options)
    assert written == [1500, 3000, 4500, 6000]
    assert run.equals(hk.replay_file(path, board))
    assert not (tmp_path / "c").exists()


@pytest.fixture
def stopped(path, board, tmp_path, stop_after):
    """A checkpoint after 2000 events."""
    stop_after(20)
    with pytest.raises(KeyboardInterrupt):
        hk.replay_file(path, board, checkpoint=tmp_path / "c")
    return tmp_path / "c"


def test_a_checkpoint_fits_a_copy_of_the_trace(path, board, stopped):
    copy = path.with_name("copy.parquet")
    path.rename(copy)
    assert len(hk.replay_file(copy, board, checkpoint=stopped)) == EVENTS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"board": {"camera.size": 8 * MiB}}, "another board"),
        ({"board": {"costs.zero_page": 7}}, "another board"),
        ({"buckets": 64}, "other buckets or keep"),
        ({"keep": 7}, "other buckets or keep"),
    ],
)
def test_a_checkpoint_of_another_call_is_refused_and_stays(
    path, board, stopped, changes, message
):
    given = dict(changes)
    other = board.replace(given.pop("board", {}))
    with pytest.raises(ValueError, match=f"belongs to {message}") as refused:
        hk.replay_file(path, other, checkpoint=stopped, **given)
    assert not isinstance(refused.value, hk.FormatError)
    assert stopped.exists()


def test_a_checkpoint_of_another_trace_is_refused(tmp_path, board, stopped):
    other = tmp_path / "other.parquet"
    mixed(seed=2, events=500).write(other)
    with pytest.raises(ValueError, match="belongs to another trace"):
        hk.replay_file(other, board, checkpoint=stopped)


def test_a_heap_of_another_name_is_another_board(path, board, stopped):
    names = {"video": "movie"}
    heaps = [
        hk.ChunkHeap(name=names[h.name], size=h.size, base=h.base)
        if h.name in names
        else h
        for h in board.heaps
    ]
    other = hk.Board(name="b", memory=board.memory, heaps=tuple(heaps))
    with pytest.raises(ValueError, match="belongs to another board"):
        hk.replay_file(path, other, checkpoint=stopped)


def test_a_damaged_checkpoint_is_refused(path, board, stopped):
    content = stopped.read_bytes()
    for end in range(0, len(content), 997):
        stopped.write_bytes(content[:end])
        with pytest.raises(hk.FormatError):
            hk.replay_file(path, board, checkpoint=stopped)
    stopped.write_bytes(path.read_bytes())
    with pytest.raises(hk.FormatError, match="no checkpoint"):
        hk.replay_file(path, board, checkpoint=stopped)


@pytest.mark.parametrize("section", ["machine", "intake", "totals"])
def test_a_checkpoint_that_was_put_together_is_refused(path, board, stopped, section):
    found = checkpoint_file.read(stopped)
    arrays = hk._ffi.Tally([4 * KiB] * len(board.heaps), buckets=2048, kept=100).arrays
    found.fill(arrays, stopped)
    sections = {"machine": found.machine, "intake": found.intake, "arrays": arrays}
    if section == "totals":
        arrays["totals"]["events"] += 1
    else:
        sections[section] = sections[section][:-1]
    checkpoint_file.write(stopped, owner=found.owner, **sections)
    with pytest.raises(hk.FormatError, match="damaged"):
        hk.replay_file(path, board, checkpoint=stopped)


def test_a_checkpoint_of_another_layout_is_another_version(path, board, stopped):
    found = checkpoint_file.read(stopped)
    sections = {"machine": found.machine, "intake": found.intake, "arrays": {}}
    owner = {**found.owner, "layout": "old"}
    checkpoint_file.write(stopped, owner=owner, **sections)
    with pytest.raises(hk.FormatError, match="another version"):
        hk.replay_file(path, board, checkpoint=stopped)


def test_a_folder_for_checkpoints_that_is_not_there_is_told_at_once(path, board):
    with pytest.raises(OSError, match="nowhere"):
        hk.replay_file(path, board, checkpoint=path.parent / "nowhere" / "c")


# --- In a process of its own -------------------------------------------------

LONG = """
import signal, sys, time
import heapkit as hk

signal.signal(signal.SIGINT, signal.default_int_handler)
calls, real = 0, hk._ffi.Machine.replay_part

def replay_part(*args, **options):
    global calls
    calls += 1
    if calls == 5:
        print("ready", flush=True)
    if calls == 100:
        time.sleep(60)  # on a machine so busy that the signal is late
    return real(*args, **options)

hk._ffi.Machine.replay_part = replay_part
try:
    hk.replay_file(
        sys.argv[1],
        hk.Board.preset("phone-8g"),
        checkpoint=sys.argv[2],
        batch=4096,
        progress=False,
    )
except KeyboardInterrupt as stop:
    print(stop)
"""


def test_a_real_interrupt_leaves_a_checkpoint_to_go_on_from(tmp_path):
    path, checkpoint = tmp_path / "t.parquet", tmp_path / "c"
    churn = functools.partial(hk.workloads.mixed_media, events=20_000)
    hk.write_long(path, events=1_000_000, workload=churn)
    with subprocess.Popen(
        [sys.executable, "-c", LONG, path, checkpoint],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGINT)
        said = process.stdout.read()
    assert "replay_file: stopped after" in said
    assert "of 1000000 events; the same call goes on" in said
    board = hk.Board.preset("phone-8g")
    resumed = hk.replay_file(path, board, checkpoint=checkpoint)
    assert resumed.equals(hk.replay_file(path, board))
    assert not checkpoint.exists()


MEMORY = """
import resource, sys
import heapkit as hk

hk.replay_file(sys.argv[1], hk.Board.preset("phone-8g"))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_follow_the_length_of_the_trace(tmp_path):
    peaks = []
    churn = functools.partial(hk.workloads.small_churn, events=50_000)
    for events in (100_000, 1_000_000):
        path = tmp_path / f"{events}.parquet"
        hk.write_long(path, events=events, workload=churn)
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, path],
            capture_output=True,
            text=True,
            check=True,
        )
        peaks.append(int(done.stdout))
    # Ten times the events, of which a Run would keep 64 bytes each.
    assert peaks[1] - peaks[0] < 900_000 * 64 / 1024 / 2


def test_the_summary_is_what_json_can_hold(path, board):
    summary = hk.replay_file(path, board).summary()
    assert json.loads(json.dumps(summary)) == summary
