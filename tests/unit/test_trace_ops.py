# SPDX-License-Identifier: MIT
"""The ops from 16 on, references, and the column of processes."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import heapkit as hk
from heapkit import KiB, Op
from heapkit._ffi import Access

OPS = (Op.ALLOC, Op.SHARE, Op.MMAP, Op.CPU_WRITE, Op.DEVICE_READ, Op.FREE, Op.FREE)
WHO = ("app", "codec", "app", "app", "app", "codec", "app")


def trace(**changes):
    n = len(changes.get("op", OPS))
    given_columns = {
        "op": OPS,
        "buffer": [7] * n,
        "size": [64 * KiB, 0, 0, 4 * KiB, 0, 0, 0][:n],
        "heap": "system",
        "time_ns": range(n),
    }
    return hk.Trace.from_columns(**{**given_columns, **changes})


@pytest.mark.parametrize("op", [*range(9, 16), 25, 255, 256, 300, -1, -9, 2**40])
def test_a_number_that_is_no_op_is_refused(op):
    allowed = r"allowed: 0 to 8, 16 to 24, see hk\.Op$"
    with pytest.raises(ValueError, match=rf"^op\[2\]={op}; {allowed}"):
        trace(op=[0, 1, op], size=[1, 0, 0])


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint64, np.int64, object])
def test_ops_may_be_integers_of_any_kind(kind):
    assert trace(op=np.array(OPS, kind)).op.tolist() == list(OPS)
    assert trace(op=np.array(OPS, kind)).op.dtype == np.uint8


def test_an_op_that_is_none_is_refused_by_the_core_too():
    made = trace()
    broken = {name: getattr(made, name) for name in made.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"op\[0\]=12; allowed: 0 to 8, 16 to 24"):
        hk.Trace(**broken | {"op": np.full(len(made), 12, np.uint8)})


def test_a_shared_buffer_lives_until_its_last_free():
    start, end = trace().spans()
    assert (start.tolist(), end.tolist()) == ([0], [6])
    assert trace().live_bytes().tolist() == [64 * KiB] * 6 + [0]


def test_what_was_freed_for_the_last_time_is_unknown():
    with pytest.raises(ValueError, match=r"buffer\[7\]=7; allowed: for FREE"):
        trace(op=(*OPS, Op.FREE), size=[1] * 8)


def naive_spans(made):
    """Counting references one event after the other."""
    start, end, born, held = [], [], {}, {}
    for i, (op, buffer) in enumerate(zip(made.op, made.buffer.tolist(), strict=True)):
        if op == Op.ALLOC:
            born[buffer], held[buffer] = len(start), 1
            start.append(i)
            end.append(len(made))
        elif op == Op.SHARE:
            held[buffer] += 1
        elif op == Op.FREE:
            held[buffer] -= 1
            if not held[buffer]:
                end[born[buffer]] = i
    return start, end


@given(seed=st.integers(0, 2**32), share=st.sampled_from([0.0, 0.1, 0.5]))
def test_spans_equal_counting_references(seed, share):
    random = np.random.default_rng(seed)
    held, op, buffer = {}, [], []
    for _ in range(60):
        which = int(random.integers(6)) * 1000
        if not held.get(which):
            op.append(Op.ALLOC)
            held[which] = 1
        elif random.random() < share:
            op.append(Op.SHARE)
            held[which] += 1
        else:
            op.append(Op.FREE)
            held[which] -= 1
        buffer.append(which)
    made = hk.Trace.from_columns(
        op=op, buffer=buffer, size=[1] * 60, heap="system", time_ns=range(60)
    )
    start, end = made.spans()
    assert (start.tolist(), end.tolist()) == naive_spans(made)


# --- What is used ------------------------------------------------------------


def test_a_range_matters_to_an_access_only():
    offsets = [9, 9, 9, 4096, 0, 9, 9]
    made = trace(offset=offsets)
    assert made.equals(trace(offset=[0, 1, 2, 4096, 0, 5, 6]))
    assert not made.equals(trace(offset=[9, 9, 9, 0, 0, 9, 9]))
    assert not made.equals(trace(offset=[9, 9, 9, 4096, 64, 9, 9]))


def test_a_device_matters_to_what_a_device_reads():
    made = trace(device=["", "", "", "", "gpu", "", ""])
    assert made.devices == ("gpu",)
    assert not made.equals(trace(device="isp"))
    with pytest.raises(ValueError, match=r"device\[4\]=1; allowed: 0 to 0"):
        trace(device=[1] * 7, devices=["gpu"])


MAPPED = {"op": [Op.ALLOC, Op.ATTACH, Op.MAP], "size": [1, 0, 0], "buffer": [7] * 3}
BRACKET = {
    "op": [Op.ALLOC, Op.BEGIN_CPU, Op.END_CPU],
    "size": [1, 0, 0],
    "buffer": [7] * 3,
}


def test_a_mapping_may_skip_the_maintenance():
    skips = trace(**MAPPED, access=[0, 0, Access.SKIP_SYNC])
    assert skips.access.tolist() == [0, 0, 4]
    assert not skips.equals(trace(**MAPPED))
    # The directions mean nothing there.
    assert skips.equals(trace(**MAPPED, access=[3, 3, 7]))
    assert trace(**MAPPED, access=[1, 2, 3]).equals(trace(**MAPPED))


def test_an_access_beyond_its_bits_is_refused():
    with pytest.raises(ValueError, match=r"access\[2\]=8; allowed: 0 to 7"):
        trace(**MAPPED, access=[0, 0, 8])
    with pytest.raises(ValueError, match=r"access\[1\]=4; allowed: 0 to 3"):
        trace(**BRACKET, access=[0, 4, 1])


def test_the_frame_spells_the_ops_beyond_the_gap():
    frame = trace(process=WHO).to_frame()
    assert frame["op"].tolist() == [op.name for op in OPS]
    assert frame["process"].tolist() == list(WHO)
    run = hk.replay(trace(), hk.Board.preset("phone-8g"))
    assert run.to_frame()["op"].tolist() == [op.name for op in OPS]


def test_the_html_counts_the_new_ops_and_names_the_processes():
    shown = trace(process=WHO)._repr_html_()
    assert "MMAP 1, SHARE 1" in shown
    assert "<th>processes</th><td>app, codec</td>" in shown


# --- Processes ---------------------------------------------------------------


def test_processes_are_names_or_codes():
    names = trace(process=WHO)
    assert names.processes == ("app", "codec")
    assert names.process.dtype == np.uint16
    codes = trace(process=[0, 1, 0, 0, 0, 1, 0], processes=("app", "codec"))
    assert names.equals(codes)
    other = trace(process=[1, 0, 1, 1, 1, 0, 1], processes=("codec", "app"))
    assert names.equals(other)
    assert trace(process="app").processes == ("app",)


def test_who_does_it_is_a_part_of_a_trace():
    assert not trace(process=WHO).equals(trace())
    assert not trace(process=WHO).equals(trace(process=(*WHO[:-1], "codec")))


def test_pressure_is_nobodys():
    pressure = {"op": [Op.PRESSURE], "size": [1], "buffer": [0], "time_ns": [0]}
    assert trace(**pressure, process=[None]).processes == ()
    nobody = trace(**pressure, process=[9], processes=["app"])
    assert nobody.equals(trace(**pressure))


@pytest.mark.parametrize(
    ("given_process", "message"),
    [
        ({"process": [0] * 7}, "Trace: processes=None; allowed: the names of the code"),
        (
            {"process": [0, 2, 0, 0, 0, 0, 0], "processes": ["a", "b"]},
            r"process\[1\]=2; allowed: 0 to 1",
        ),
        (
            {"process": [*"aaaaaa", "b"], "processes": ["a"]},
            r"process\[6\]='b'; allowed: one of",
        ),
        ({"process": [*"aaaaaa", None]}, r"process\[6\]=None; allowed: a name"),
        ({"process": ["a"]}, "process has 1 rows; allowed: 7, as op has"),
        (
            {"process": [0] * 7, "processes": ["a", "a"]},
            r"Trace: processes=\('a', 'a'\); allowed: fewer than",
        ),
        ({"process": [0] * 7, "processes": ["a", 3]}, r"processes\[1\]=3; allowed: st"),
    ],
)
def test_a_process_that_is_none_is_refused(given_process, message):
    with pytest.raises(ValueError, match=message):
        trace(**given_process)


def test_a_trace_made_without_its_constructor_is_checked_too():
    made = trace(process=WHO)
    broken = {name: getattr(made, name) for name in made.__dataclass_fields__}
    with pytest.raises(ValueError, match=r"process\[1\]=1; allowed: a code of proces"):
        hk.Trace(**broken | {"processes": ("app",)})


def test_processes_come_out_of_a_pickle_read_only():
    made = pickle.loads(pickle.dumps(trace(process=WHO)))  # noqa: S301
    assert made.equals(trace(process=WHO))
    assert not made.process.flags.writeable


# --- Files -------------------------------------------------------------------


def test_processes_come_back_from_a_file(tmp_path):
    path = tmp_path / "t.parquet"
    made = trace(process=WHO, access=[3] * 7, device="isp", offset=[0] * 7)
    made.write(path)
    back = hk.Trace.read(path)
    assert back.equals(made)
    assert back.processes == made.processes


def test_a_file_without_processes_does_not_speak_of_them(tmp_path):
    path = tmp_path / "t.parquet"
    trace().write(path)
    assert b"process" not in path.read_bytes()


def test_a_writer_takes_processes_part_by_part(tmp_path):
    path = tmp_path / "t.parquet"
    made = trace(process=WHO)
    with hk.TraceWriter(path, heaps=made.heaps, processes=made.processes) as out:
        for part in (slice(0, 3), slice(3, 7)):
            columns = ("op", "buffer", "size", "time_ns", "process")
            rows = {name: getattr(made, name)[part] for name in columns}
            out.append(**rows, heap=made.chain[part])
    assert hk.Trace.read(path).equals(made)


def test_a_writer_with_processes_is_told_who(tmp_path):
    made = trace()
    rows = {n: getattr(made, n) for n in ("op", "buffer", "size", "time_ns")}
    with (
        pytest.raises(ValueError, match="process: None; allowed: for a trace with"),
        hk.TraceWriter(tmp_path / "t", heaps=("system",), processes=["app"]) as out,
    ):
        out.append(**rows, heap="system")
    with (
        pytest.raises(ValueError, match=r"process\[0\]='app'; allowed: one of \(\)"),
        hk.TraceWriter(tmp_path / "t", heaps=("system",)) as out,
    ):
        out.append(**rows, heap="system", process="app")
    assert not list(tmp_path.iterdir())


def test_a_long_trace_keeps_its_processes(tmp_path):
    path = tmp_path / "t.parquet"
    hk.write_long(path, events=14, workload=lambda seed: trace(process=WHO))
    back = hk.Trace.read(path)
    assert back.to_frame()["process"].tolist() == [*WHO, *WHO]
    run = hk.replay_file(path, hk.Board.preset("phone-8g"))
    assert len(run) == 14


def test_a_long_trace_wants_the_same_processes_each_time(tmp_path):
    def workload(seed):
        return trace(process="abc"[seed])

    with pytest.raises(ValueError, match=r"and processes \('b',\) of seed 1"):
        hk.write_long(tmp_path / "t", events=14, workload=workload)
