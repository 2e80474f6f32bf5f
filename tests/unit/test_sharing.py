# SPDX-License-Identifier: MIT
"""Policies: which calls they add, what they cost, and what they get wrong."""

import pickle

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op, sharing
from heapkit.show import figure_of
from heapkit.views import static

SIZE = 64 * KiB
BOARD = hk.Board(
    name="bench",
    memory=hk.Memory(total=64 * MiB),
    heaps=(
        hk.SystemHeap(),
        hk.SecureHeap(name="secure", size=1 * MiB),
    ),
    devices=(hk.Device("isp"), hk.Device("gpu")),
)
RIGHT = tuple(name for name in sharing.POLICIES if name != "no-sync")


def intent(*events, heap="system", **columns):
    """A trace of (op, device, offset, size) on buffer 9, each after a microsecond."""
    rows = [(Op.ALLOC, "isp", 0, SIZE), *events]
    op, device, offset, size = zip(*rows, strict=True)
    return hk.Trace.from_columns(
        op=op,
        buffer=[9] * len(rows),
        size=size,
        heap=heap,
        time_ns=np.arange(len(rows)) * 1000,
        device=list(device),
        devices=("isp", "gpu"),
        offset=offset,
        **columns,
    )


ISP_WRITES = (Op.DEVICE_WRITE, "isp", 0, 0)
GPU_READS = (Op.DEVICE_READ, "gpu", 0, 0)
CPU_READS = (Op.CPU_READ, "isp", 256, 128)
CPU_WRITES = (Op.CPU_WRITE, "isp", 1024, 256)
FREE = (Op.FREE, "isp", 0, 0)
TRACE = intent(ISP_WRITES, CPU_READS, CPU_WRITES, GPU_READS, FREE)


def calls(trace):
    """Each event as a word; devices of those that have one."""
    on_device = ("ATTACH", "DETACH", "MAP", "UNMAP", "DEVICE_READ", "DEVICE_WRITE")
    words = [Op(op).name for op in trace.op.tolist()]
    names = [trace.devices[code] for code in trace.device.tolist()]
    return [
        f"{word} {name}" if word in on_device else word
        for word, name in zip(words, names, strict=True)
    ]


# --- The calls that are added ------------------------------------------------


def test_pre_attach_maps_every_user_at_allocation():
    assert calls(sharing.apply(TRACE, "pre-attach")) == [
        *("ALLOC", "ATTACH isp", "MAP isp", "ATTACH gpu", "MAP gpu"),
        "DEVICE_WRITE isp",
        *("BEGIN_CPU", "CPU_READ", "END_CPU"),
        *("BEGIN_CPU", "CPU_WRITE", "END_CPU"),
        "DEVICE_READ gpu",
        *("UNMAP isp", "DETACH isp", "UNMAP gpu", "DETACH gpu", "FREE"),
    ]


def test_late_attach_maps_before_the_first_use():
    assert calls(sharing.apply(TRACE, "late-attach")) == [
        *("ALLOC", "ATTACH isp", "MAP isp", "DEVICE_WRITE isp"),
        *("BEGIN_CPU", "CPU_READ", "END_CPU"),
        *("BEGIN_CPU", "CPU_WRITE", "END_CPU"),
        *("ATTACH gpu", "MAP gpu", "DEVICE_READ gpu"),
        *("UNMAP isp", "DETACH isp", "UNMAP gpu", "DETACH gpu", "FREE"),
    ]


@pytest.mark.parametrize("policy", ["map-per-use", "lazy"])
def test_map_per_use_maps_around_each_use(policy):
    trace = intent(ISP_WRITES, GPU_READS, ISP_WRITES, FREE)
    assert calls(sharing.apply(trace, policy)) == [
        *("ALLOC", "ATTACH isp", "MAP isp", "DEVICE_WRITE isp", "UNMAP isp"),
        *("ATTACH gpu", "MAP gpu", "DEVICE_READ gpu", "UNMAP gpu"),
        *("MAP isp", "DEVICE_WRITE isp", "UNMAP isp"),
        *("DETACH isp", "DETACH gpu", "FREE"),
    ]


def test_no_sync_maps_without_a_sync_and_brackets_nothing():
    trace = sharing.apply(TRACE, "no-sync")
    assert not {"BEGIN_CPU", "END_CPU"} & set(calls(trace))
    maps = trace.access[trace.op == Op.MAP]
    assert set(maps.tolist()) == {7}


def brackets(policy, *events):
    trace = sharing.apply(intent(*events), policy)
    begins = trace.op == Op.BEGIN_CPU
    ends = trace.op == Op.END_CPU
    for name in ("access", "offset", "size"):
        column = getattr(trace, name)
        assert column[begins].tolist() == column[ends].tolist()
    return list(
        zip(
            trace.access[begins].tolist(),
            trace.offset[begins].tolist(),
            trace.size[begins].tolist(),
            strict=True,
        )
    )


def test_brackets_are_of_the_whole_buffer_but_with_partial():
    assert brackets("pre-attach", CPU_READS, CPU_WRITES) == [(1, 0, 0), (2, 0, 0)]
    assert brackets("partial", CPU_READS, CPU_WRITES) == [
        *((1, 256, 128), (2, 1024, 256))
    ]


@pytest.mark.parametrize(
    ("offset", "size", "access"),
    [(0, 0, 2), (0, 128, 2), (64, 128, 3), (0, 64, 3), (1, 1, 3), (128, 0, 2)],
)
def test_a_write_of_anything_but_whole_blocks_reads_too(offset, size, access):
    event = (Op.CPU_WRITE, "isp", offset, size)
    assert brackets("pre-attach", event)[0][0] == access


def test_named_devices_are_mapped_for_every_buffer_and_others_late():
    trace = sharing.apply(intent(GPU_READS, FREE), "pre-attach", devices=["isp"])
    assert calls(trace) == [
        *("ALLOC", "ATTACH isp", "MAP isp"),
        *("ATTACH gpu", "MAP gpu", "DEVICE_READ gpu"),
        *("UNMAP gpu", "DETACH gpu", "UNMAP isp", "DETACH isp", "FREE"),
    ]


def test_a_shared_buffer_is_unmapped_before_its_last_free():
    share = (Op.SHARE, "isp", 0, 0)
    trace = intent(ISP_WRITES, share, FREE, ISP_WRITES, FREE)
    words = calls(sharing.apply(trace, "pre-attach"))
    assert words[-3:] == ["UNMAP isp", "DETACH isp", "FREE"]
    assert words.count("UNMAP isp") == 1


def test_a_buffer_that_is_never_freed_stays_mapped():
    words = calls(sharing.apply(intent(ISP_WRITES), "pre-attach"))
    assert "UNMAP isp" not in words


def test_calls_have_the_time_and_the_process_of_what_they_are_for():
    trace = intent(ISP_WRITES, CPU_READS, FREE, process=["hal", "hal", "app", "app"])
    shared = sharing.apply(trace, "late-attach")
    who = [shared.processes[code] for code in shared.process.tolist()]
    told = list(zip(calls(shared), who, shared.time_ns.tolist(), strict=True))
    assert ("MAP isp", "hal", 1000) in told
    assert ("BEGIN_CPU", "app", 2000) in told
    assert ("UNMAP isp", "app", 3000) in told


def test_the_trace_itself_is_left_in_its_order():
    trace = hk.workloads.uses(frames=20)
    for policy in sharing.POLICIES:
        shared = sharing.apply(trace, policy)
        own = np.isin(shared.op, np.unique(trace.op))
        for name in ("op", "buffer", "size", "time_ns", "device", "offset"):
            assert np.array_equal(getattr(shared, name)[own], getattr(trace, name))
        assert shared.meta == {**trace.meta, "sharing": policy}


def test_one_id_may_live_several_times():
    again = (Op.ALLOC, "isp", 0, SIZE)
    trace = intent(ISP_WRITES, FREE, again, GPU_READS, FREE)
    assert calls(sharing.apply(trace, "pre-attach")) == [
        *("ALLOC", "ATTACH isp", "MAP isp", "DEVICE_WRITE isp"),
        *("UNMAP isp", "DETACH isp", "FREE"),
        *("ALLOC", "ATTACH gpu", "MAP gpu", "DEVICE_READ gpu"),
        *("UNMAP gpu", "DETACH gpu", "FREE"),
    ]


def test_an_empty_trace_has_every_policy():
    trace = hk.Trace.from_columns(op=[], buffer=[], size=[], heap=[], time_ns=[])
    for policy in sharing.POLICIES:
        assert len(sharing.apply(trace, policy)) == 0


# --- What is refused ---------------------------------------------------------


def test_a_trace_with_calls_of_its_own_is_refused_with_the_first():
    trace = intent(ISP_WRITES, (Op.ATTACH, "isp", 0, 0))
    with pytest.raises(ValueError, match=r"op\[2\]='ATTACH'; allowed: no calls"):
        sharing.apply(trace, "pre-attach")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TRACE, "never"), "'pre-attach'"),
        ((BOARD, "lazy"), "hk|heapkit"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        sharing.apply(*arguments)


def test_devices_are_those_of_the_trace_and_of_early_policies():
    with pytest.raises(ValueError, match="'npu'"):
        sharing.apply(TRACE, "pre-attach", devices=["npu"])
    with pytest.raises(ValueError, match="maps no device at allocation"):
        sharing.apply(TRACE, "lazy", devices=["isp"])


def test_a_heap_that_cannot_be_uncached_is_named():
    with pytest.raises(ValueError, match="heap='secure'"):
        sharing.variant(BOARD, "uncached", intent(heap="secure"))


# --- What it costs and gets wrong --------------------------------------------


@pytest.fixture(scope="module")
def compared():
    return sharing.compare(hk.workloads.uses(frames=60), BOARD).to_frame()


def test_only_the_broken_policy_loses_data(compared):
    assert tuple(compared.index) == sharing.POLICIES
    assert (compared.loc[list(RIGHT), "wrong"] == 0).all()
    assert (compared.loc[list(RIGHT), "warnings"] == 0).all()
    assert compared.loc["no-sync", "wrong"] > 0


def test_a_comparison_adds_up(compared):
    found = ["total_ns", "passes", "lines", "wrong", "warnings"]
    parts = compared.drop(columns=found)
    assert np.allclose(parts.sum(axis=1), compared["total_ns"], rtol=1e-6)


def test_policies_cost_what_the_thread_said(compared):
    cost = compared["total_ns"]
    assert cost["partial"] < cost["pre-attach"] / 2
    assert cost["late-attach"] < cost["pre-attach"] < cost["map-per-use"]
    assert cost["lazy"] < cost["map-per-use"] / 2
    assert cost["no-sync"] == cost.min()
    assert compared.loc["uncached", "passes"] == 0


def test_a_comparison_is_that_of_the_replays():
    trace = hk.workloads.uses(frames=10)
    compared = sharing.compare(trace, BOARD, ("lazy", "uncached"))
    for policy in compared.policies:
        board = sharing.variant(BOARD, policy, trace)
        run = hk.replay(sharing.apply(trace, policy), board)
        assert compared[policy]["total_ns"] == run["latency_ns"].sum()


def passes(policy, *events, board=BOARD):
    trace = intent(*events)
    return sharing.compare(trace, board, policy)[policy]["passes"]


def test_passes_are_counted_per_device():
    # Two maps, then an invalidation and a clean for each of them, then two unmaps.
    events = (ISP_WRITES, GPU_READS, CPU_READS, FREE)
    assert passes("pre-attach", *events) == 2 + 2 * 2 + 2
    assert passes("partial", *events) == 2 + 2 * 2 + 2
    assert passes("map-per-use", *events) == 4
    # The zeroes are cleaned, what the ISP wrote is invalidated.
    assert passes("lazy", *events) == 2


def test_one_policy_may_be_named_alone():
    assert sharing.compare(TRACE, BOARD, "lazy").policies == ("lazy",)


def test_a_comparison_is_a_table_that_does_not_change():
    compared = sharing.compare(TRACE, BOARD, ("lazy", "no-sync"))
    assert len(compared) == 2
    assert repr(compared) == "<Comparison of lazy, no-sync>"
    assert "no-sync" in compared._repr_html_()
    again = pickle.loads(pickle.dumps(compared))  # noqa: S301
    assert again.to_frame().equals(compared.to_frame())
    with pytest.raises(AttributeError, match="immutable"):
        compared._rows = {}
    with pytest.raises(KeyError, match="allowed: lazy, no-sync"):
        compared["partial"]


def test_a_comparison_is_drawn_with_what_goes_wrong():
    compared = sharing.compare(TRACE, BOARD, ("lazy", "no-sync"))
    fig = figure_of(compared)
    source = fig.select_one({"name": "hk_sharing"})
    assert source.data["policy"] == [
        "lazy",
        f"no-sync ({compared['no-sync']['wrong']} wrong)",
    ]
    assert np.allclose(source.data["total"], compared.column("total_ns"), rtol=1e-6)
    assert len(fig.legend[0].items) == len(compared.parts())
    assert len(static.picture(fig)) > 1000


def test_a_comparison_wants_a_board():
    with pytest.raises(ValueError, match="a heapkit"):
        sharing.compare(TRACE, None)
