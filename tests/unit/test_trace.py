# SPDX-License-Identifier: MIT
import copy
import pickle

import numpy as np
import pandas as pd
import pytest

import heapkit as hk
from heapkit import Op

ALLOC_FREE = {
    "op": [Op.ALLOC, Op.FREE],
    "buffer": [7, 7],
    "size": [4096, 0],
    "heap": "camera|system",
    "time_ns": [0, 10],
}


def trace(**changes):
    return hk.Trace.from_columns(**{**ALLOC_FREE, **changes})


def pickled(made):
    return pickle.loads(pickle.dumps(made))  # noqa: S301 (its own bytes)


def test_the_ops_have_the_numbers_of_the_contract():
    names = "ALLOC FREE ATTACH DETACH MAP UNMAP BEGIN_CPU END_CPU PRESSURE"
    assert [Op[name] for name in names.split()] == list(range(9))


def test_a_trace_holds_what_was_given():
    made = trace()
    assert len(made) == 2
    assert made.op.tolist() == [0, 1]
    assert made.buffer.tolist() == [7, 7]
    assert made.heaps == ("camera|system",)
    assert made.chain.tolist() == [0, 0]
    assert made.duration_ns == 10


FITTING = {
    "op": np.array([0, 1], np.uint8),
    "buffer": np.array([7, 7], np.uint32),
    "size": np.array([4096, 0], np.uint64),
    "time_ns": np.array([0, 10], np.int64),
}


@pytest.mark.parametrize("column", FITTING)
def test_a_column_of_the_right_type_is_not_copied(column):
    made = trace(**{column: FITTING[column]})
    assert np.shares_memory(getattr(made, column), FITTING[column])


def test_int64_sizes_and_codes_of_16_bits_are_not_copied():
    sizes, codes = np.array([4096, 0]), np.zeros(2, np.uint16)
    made = trace(size=sizes, heap=codes, heaps=["camera"])
    assert np.shares_memory(made.size, sizes)
    assert np.shares_memory(made.chain, codes)


@pytest.mark.parametrize("column", ["op", "buffer", "size", "time_ns"])
def test_the_columns_of_a_trace_cannot_be_written(column):
    made = trace(**FITTING)
    with pytest.raises(ValueError, match="read-only"):
        getattr(made, column)[0] = 1
    assert FITTING[column].flags.writeable


def test_the_attributes_of_a_trace_cannot_be_set():
    with pytest.raises(AttributeError):
        trace().op = None


@pytest.mark.parametrize(
    "convert",
    [
        list,
        tuple,
        np.array,
        pd.Series,
        lambda column: np.array(column, dtype=object),
        lambda column: np.array(column, dtype=">i4"),
        lambda column: np.repeat(column, 2)[::2],
    ],
)
def test_lists_arrays_and_series_make_the_same_trace(convert):
    given = {
        name: convert(ALLOC_FREE[name]) for name in ("op", "buffer", "size", "time_ns")
    }
    assert trace(**given).equals(trace())


NAMES = ["camera", "system|camera", "camera"]


@pytest.mark.parametrize(
    "names",
    [
        NAMES,
        tuple(NAMES),
        np.array(NAMES),
        np.array(NAMES, dtype=object),
        pd.Series(NAMES),
        pd.Series(NAMES, dtype="category"),
    ],
)
def test_names_of_heaps_become_codes_in_order_of_appearance(names):
    made = trace(
        op=[0, 0, 0], buffer=[1, 2, 3], size=[1, 1, 1], time_ns=[0, 0, 0], heap=names
    )
    assert made.heaps == ("camera", "system|camera")
    assert made.chain.tolist() == [0, 1, 0]


def test_codes_of_heaps_come_with_their_names():
    made = trace(heap=[1, 1], heaps=("system", "camera"))
    assert made.heaps[made.chain[0]] == "camera"


@pytest.mark.parametrize("other", [None, "", "unheard-of", float("nan")])
def test_what_a_free_says_of_its_heap_is_ignored(other):
    assert trace(heap=["camera", other]).heaps == ("camera",)


def test_a_code_out_of_range_matters_only_to_an_allocation():
    assert trace(heap=[0, -1], heaps=["camera"]).chain.tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"heap\[0\]=1; allowed: 0 to 0"):
        trace(heap=[1, 0], heaps=["camera"])


def test_an_empty_trace_is_a_trace():
    made = trace(op=[], buffer=[], size=[], heap=[], time_ns=[])
    assert len(made) == made.n_buffers == made.duration_ns == 0
    assert made.live_bytes().tolist() == []
    assert "0 events" in repr(made)


def test_a_buffer_id_may_be_used_again_after_its_free():
    made = trace(op=[0, 1, 0], buffer=[3, 3, 3], size=[1, 0, 2], time_ns=[0, 1, 2])
    assert len(made) == 3


def test_ids_that_are_small_stay_and_others_are_numbered():
    assert trace().dense_buffer.tolist() == [7, 7]
    inodes = [2**40 + 5, 2**63]
    made = trace(op=[0, 0], buffer=np.array(inodes, np.uint64), size=[1, 1])
    assert made.buffer.tolist() == inodes
    assert made.dense_buffer.tolist() == [0, 1]
    assert made.n_buffers == 2


NAN = float("nan")


@pytest.mark.parametrize("column", ["op", "buffer", "size", "time_ns"])
@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0, NAN], r"\[1\]=nan"),
        ([0, 1.5], r"\[1\]=1.5"),
        (np.array([0.0, 1.0]), r"\[0\]=0.0.*not float64"),
        ([True, False], r"\[0\]=True.*not bool"),
        (["0", "1"], r"\[0\]='0'"),
        ([0, None], r"\[1\]=None"),
        ([0, -1], r"\[1\]=-1"),
        ([0, 2**70], rf"\[1\]={2**70}"),
        (np.array([0, 1], "M8[ns]"), r"\[0\]="),
        ([0], "has 1 rows; allowed: 2|has 2 rows; allowed: 1"),
        ([[0, 1]], "one dimension"),
        ([[0, 1], [1]], "no column of integers"),
        (5, "one dimension"),
        (None, "one dimension"),
    ],
)
def test_a_column_that_holds_no_counts_is_refused(column, values, shown):
    with pytest.raises(ValueError, match=shown):
        trace(**{column: values})


@pytest.mark.parametrize("column", ["buffer", "size", "time_ns"])
def test_the_message_names_the_column(column):
    with pytest.raises(ValueError, match=rf"^{column}\[1\]=-1; allowed"):
        trace(**{column: [0, -1]})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"op": [0, 9]}, r"op\[1\]=9; allowed: 0 to 8"),
        ({"op": [0, 300]}, r"op\[1\]=300; allowed: 0 to 8"),
        (
            {"op": [0, 0], "size": [1, 1]},
            r"buffer\[1\]=7; allowed: for ALLOC an id that is not in us",
        ),
        ({"op": [1, 1]}, r"buffer\[0\]=7; allowed: for FREE an id that was allocated"),
        ({"op": [4, 1]}, r"buffer\[0\]=7; allowed: for MAP"),
        ({"buffer": [7, 8]}, r"buffer\[1\]=8; allowed: for FREE"),
        ({"size": [0, 0]}, r"size\[0\]=0; allowed: more than 0"),
        ({"time_ns": [5, 4]}, r"time_ns\[1\]=4; allowed: 5 or more"),
        (
            {"time_ns": np.array([0, 2**63], np.uint64)},
            rf"time_ns\[1\]={2**63}; allowed: at most",
        ),
    ],
)
def test_an_impossible_event_is_refused_with_its_place(changes, message):
    with pytest.raises(ValueError, match=message):
        trace(**changes)


def test_a_size_that_does_not_survive_rounding_is_refused():
    with pytest.raises(ValueError, match=rf"size\[0\]={2**64 - 1}; allowed"):
        trace(size=np.array([2**64 - 1, 0], np.uint64))


def test_a_list_may_mix_small_ids_and_some_of_64_bits():
    made = trace(buffer=[2**64 - 1, 2**64 - 1], size=[2**63, 0])
    assert made.buffer.tolist() == [2**64 - 1] * 2
    assert made.size.tolist() == [2**63, 0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0, 2**63], rf"time_ns\[1\]={2**63}; allowed: at most {2**63 - 1}"),
        ([0, 2**64], rf"time_ns\[1\]={2**64}; allowed: integers up to {2**64 - 1}"),
        ([-1, 2**63], r"time_ns\[0\]=-1; allowed: 0 or more"),
        ([0, 1e19], r"time_ns\[1\]=1e\+19; allowed: integers"),
    ],
)
def test_a_list_beyond_64_bits_names_the_value_that_is(values, message):
    with pytest.raises(ValueError, match=message):
        trace(time_ns=values)


@pytest.mark.parametrize("column", ["op", "buffer", "size", "time_ns"])
def test_a_masked_value_is_refused(column):
    masked = np.ma.array([1, 1], mask=[False, True])
    with pytest.raises(ValueError, match=rf"^{column}\[1\] is masked"):
        trace(**{column: masked})


def test_a_masked_code_is_refused():
    with pytest.raises(ValueError, match=r"^heap\[0\] is masked"):
        trace(heap=np.ma.array([0, 0], mask=[True, False]), heaps=["camera"])


def test_a_buffer_freed_twice_is_refused():
    with pytest.raises(ValueError, match=r"buffer\[2\]=7; allowed: for FREE"):
        trace(op=[0, 1, 1], buffer=[7, 7, 7], size=[1, 0, 0], time_ns=[0, 1, 2])


@pytest.mark.parametrize("chain", ["", "|", "camera|", "|system", "a||b", "dev/heap"])
def test_a_chain_that_names_no_heap_is_refused(chain):
    with pytest.raises(ValueError, match=r"heaps\[0\]="):
        trace(heap=chain)


@pytest.mark.parametrize(
    ("heap", "heaps", "message"),
    [
        ([None, None], None, r"heap\[0\]=None; allowed: a name"),
        ([NAN, NAN], None, r"heap\[0\]=nan; allowed: a name"),
        ([0, 0], None, "heaps=None"),
        (["gpu", "gpu"], ["camera"], r"heap\[0\]='gpu'; allowed: one of \('camera',\)"),
        (["camera"], None, "heap has 1 rows; allowed: 2"),
        ([0, 0], ["a", "a"], "each once"),
        ([0, 0], [3], r"heaps\[0\]=3"),
        (np.zeros((2, 1), int), ["a"], "one dimension"),
    ],
)
def test_a_wrong_heap_column_is_refused(heap, heaps, message):
    with pytest.raises(ValueError, match=message):
        trace(heap=heap, heaps=heaps)


CPU = {
    "op": [0, 2, 6, 7, 3],
    "buffer": [1] * 5,
    "size": [8192, 0, 64, 64, 0],
    "time_ns": range(5),
    "heap": "camera",
}


def test_devices_access_and_offset_are_kept():
    made = trace(
        **CPU,
        device=["", "isp", "", "", "isp"],
        access=[9, 0, 1, 2, 0],
        offset=range(5),
    )
    assert made.devices == ("isp",)
    assert made.access.tolist() == [0, 0, 1, 2, 0]
    assert made.offset.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"access": [0, 0, 4, 1, 0]}, r"access\[2\]=4; allowed: 0 to 3"),
        ({"access": [0, 0, 1, 0, 0]}, r"access\[3\]=0; allowed: 1 \(read\)"),
        ({"access": [1]}, "access has 1 rows; allowed: 5"),
        ({"device": [0] * 5}, "devices=None"),
        ({"device": [0, 3, 0, 0, 0], "devices": ["isp"]}, r"device\[1\]=3; allowed"),
        ({"device": ["isp", None, "", "", ""]}, r"device\[1\]=None; allowed: a name"),
        ({"offset": [0, 0, -4, 0, 0]}, r"offset\[2\]=-4; allowed: 0 or more"),
        ({"offset": [0]}, "offset has 1 rows"),
    ],
)
def test_a_wrong_optional_column_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        trace(**CPU, **changes)


def test_pressure_needs_no_buffer():
    made = trace(op=[8, 0], buffer=[123456789, 1], size=[4096, 4096])
    assert made.live_bytes().tolist() == [0, 4096]


@pytest.mark.parametrize("meta", [{"a": object()}, {"a": NAN}, 5, {"a": {1, 2}}])
def test_meta_that_json_cannot_hold_is_refused(meta):
    with pytest.raises(ValueError, match="meta="):
        trace(meta=meta)


def test_meta_is_a_copy():
    made = trace(meta={"seed": 1})
    made.meta["seed"] = 2
    assert made.meta == {"seed": 1}


def test_live_bytes_follow_allocations_and_frees():
    made = trace(
        op=[0, 0, 1, 0, 1],
        buffer=[1, 2, 1, 1, 2],
        size=[10, 20, 0, 5, 0],
        time_ns=range(5),
    )
    assert made.live_bytes().tolist() == [10, 30, 20, 25, 5]


def test_equal_traces_may_be_coded_differently():
    named = trace(heap=["camera", "system"])
    coded = trace(heap=[1, 0], heaps=["unused", "camera"])
    assert named.equals(coded)
    assert coded.equals(named)


def test_absent_access_equals_both():
    assert trace(**CPU).equals(trace(**CPU, access=[0, 0, 3, 3, 0], offset=[0] * 5))


@pytest.mark.parametrize(
    "changes",
    [
        {"heap": "camera"},
        {"size": [8192, 0]},
        {"time_ns": [0, 11]},
        {"buffer": [8, 8]},
        {"meta": {"a": 1}},
        {"op": [0], "buffer": [7], "size": [4096], "time_ns": [0]},
    ],
)
def test_different_traces_are_not_equal(changes):
    assert not trace().equals(trace(**changes))


def test_a_trace_equals_nothing_but_a_trace():
    assert not trace().equals("trace")
    assert trace() != "trace"


def test_equal_traces_are_one_in_a_set():
    assert len({trace(), trace(), trace(size=[8192, 0])}) == 2
    assert trace() == trace()
    assert trace() != trace(heap="system", size=[8192, 0])


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
def test_a_copied_trace_cannot_be_written(copied):
    made = trace(**CPU, access=[0, 0, 3, 3, 0])
    other = copied(made)
    assert other == made
    names = ("op", "buffer", "size", "chain", "time_ns", "dense_buffer", "access")
    assert not any(getattr(other, name).flags.writeable for name in names)


def test_a_tampered_pickle_is_checked_as_every_trace():
    made, _ = trace().__reduce__()
    with pytest.raises(ValueError, match=r"time_ns\[1\]=0; allowed: 10 or more"):
        made(time_ns=np.array([10, 0]))


def test_a_copied_trace_is_equal():
    assert copy.deepcopy(trace(meta={"a": 1})).equals(trace(meta={"a": 1}))


def test_the_frame_spells_ops_heaps_and_devices():
    frame = trace(
        **CPU, device=["", "isp", "", "", "isp"], access=[0, 0, 1, 2, 0], offset=[0] * 5
    ).to_frame()
    assert frame["op"].tolist()[:2] == ["ALLOC", "ATTACH"]
    assert frame["heap"][0] == "camera"
    assert frame["device"][1] == "isp"
    assert frame["access"].tolist() == [0, 0, 1, 2, 0]


def test_the_frame_of_a_trace_without_allocations_has_no_heaps():
    frame = trace(op=[8], buffer=[0], size=[4096], heap=[""], time_ns=[0]).to_frame()
    assert frame["heap"].isna().all()


def test_the_repr_and_the_html_are_a_summary():
    made = trace(heap="<camera>", meta={"seed": 1})
    assert repr(made) == "<Trace: 2 events, 1 allocations from <camera>, 10 ns>"
    shown = made._repr_html_()
    assert "2 (ALLOC 1, FREE 1)" in shown
    assert "&lt;camera&gt;" in shown
    assert "<th>most bytes at once</th><td>4 KiB</td>" in shown
    assert "<th>seed</th><td>1</td>" in shown


def _reused() -> hk.Trace:
    return hk.Trace.from_columns(
        op=[Op.ALLOC, Op.ALLOC, Op.FREE, Op.ALLOC, Op.FREE],
        buffer=[7, 9, 7, 7, 9],
        size=[10, 20, 0, 5, 0],
        heap="system",
        time_ns=[0, 1, 2, 3, 4],
    )


def test_spans_part_the_lives_of_an_id_that_is_used_again() -> None:
    start, end = _reused().spans()

    assert start.tolist() == [0, 1, 3]
    assert end.tolist() == [2, 4, 5]


def test_spans_are_worked_out_once_and_cannot_be_written_to() -> None:
    made = _reused()

    assert made.spans() is made.spans()
    assert not any(column.flags.writeable for column in made.spans())


def test_spans_stay_out_of_a_pickle() -> None:
    made = _reused()
    bare = len(pickle.dumps(made))
    made.spans()

    assert len(pickle.dumps(made)) == bare
    assert pickle.loads(pickle.dumps(made)).spans()[1].tolist() == [2, 4, 5]  # noqa: S301
