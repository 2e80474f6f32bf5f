# SPDX-License-Identifier: MIT
from pathlib import Path

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op, workloads

TRACES = Path(__file__).parents[2] / "data/traces"
NAMES = ("camera_boot", "video_playback", "mixed_media", "small_churn")


def sizes(trace):
    return set(trace.size[trace.op == Op.ALLOC].tolist())


def count(trace, op):
    return int(np.count_nonzero(trace.op == op))


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_trace_is_what_the_function_makes(name):
    made = getattr(workloads, name)(seed=1)
    assert hk.Trace.read(TRACES / f"{name}.parquet").equals(made)


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_bytes_and_another_one_others(name):
    make = getattr(workloads, name)
    one, same, other = make(seed=7), make(seed=7), make(seed=8)
    for column in ("op", "buffer", "size", "time_ns"):
        assert getattr(one, column).tobytes() == getattr(same, column).tobytes()
    assert one.time_ns.tobytes() != other.time_ns.tobytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_buffer_is_freed_in_the_end(name):
    assert getattr(workloads, name)(seed=3).live_bytes()[-1] == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_workload_runs_on_the_phone_and_says_what_it_is(name):
    trace = getattr(workloads, name)(seed=1)
    run = hk.replay(trace, hk.Board.preset("phone-8g"))
    assert not run["status"].any()
    assert trace.meta["workload"] == name
    assert trace.meta["seed"] == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", [-1, 1.0, None, "1", True, 2**64])
def test_a_seed_that_is_none_is_refused(name, seed):
    with pytest.raises(ValueError, match=f"{name}: seed="):
        getattr(workloads, name)(seed=seed)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("heap", ["", None, 3])
def test_a_heap_that_is_none_is_refused(name, heap):
    with pytest.raises(ValueError, match=f"{name}: heap="):
        getattr(workloads, name)(heap=heap)


@pytest.mark.parametrize(
    ("name", "argument", "value"),
    [
        *(("camera_boot", "launches", 0), ("camera_boot", "launches", 1.5)),
        *(("video_playback", "seconds", 0), ("video_playback", "seconds", -3)),
        *(("mixed_media", "events", 3), ("mixed_media", "events", 0)),
        *(("mixed_media", "live", 0), ("small_churn", "events", 7)),
    ],
)
def test_a_wrong_amount_is_refused(name, argument, value):
    with pytest.raises(ValueError, match=f"{argument}={value!r}"):
        getattr(workloads, name)(**{argument: value})


@pytest.mark.parametrize(
    ("board", "heap"),
    [("raspberry-pi-4g", "linux,cma"), ("set-top-4k", "default_cma_region")],
)
@pytest.mark.parametrize("name", NAMES)
def test_a_workload_can_be_sent_to_another_boards_heap(name, board, heap):
    trace = getattr(workloads, name)(heap=heap)
    assert trace.heaps == (heap,)
    assert len(hk.replay(trace, hk.Board.preset(board))) == len(trace)


def test_a_camera_asks_for_a_ring_of_16_raw10_or_12_raw12_frames():
    trace = workloads.camera_boot()
    asked = trace.size[trace.op == Op.ALLOC]
    assert np.count_nonzero(asked == 4056 * 3040 * 10 // 8) % 16 == 0
    assert np.count_nonzero(asked == 18_583_552) % 12 == 0


def test_the_raw12_frame_is_the_4537_pages_of_the_dmesg():
    assert workloads.RAW12 == 4537 * 4096 >= 6112 * 3040


def test_a_camera_asks_for_the_published_sizes_only():
    published = {18_583_552, 18_495_360, 3_110_400, 12_441_600, 6592 * 4 * KiB}
    published |= {576 * KiB, 8 * KiB, 15_412_800}
    assert sizes(workloads.camera_boot()) == published


def test_a_camera_overflows_its_carveout_now_and_then():
    trace = workloads.camera_boot()
    run = hk.replay(trace, hk.Board.preset("phone-8g"))
    fell_back = run["tried"][trace.op == Op.ALLOC] == 2
    assert 0.02 < fell_back.mean() < 0.3


def test_a_cameras_devices_can_be_named():
    trace = workloads.camera_boot(launches=1, isp="ffa00000.rkisp", gpu="npu")
    assert trace.devices == ("ffa00000.rkisp", "npu")


def test_a_camera_attaches_and_maps_every_buffer():
    trace = workloads.camera_boot(launches=3)
    assert count(trace, Op.ATTACH) == count(trace, Op.DETACH)
    assert count(trace, Op.MAP) == count(trace, Op.UNMAP) >= count(trace, Op.ALLOC)
    assert count(trace, Op.BEGIN_CPU) == count(trace, Op.END_CPU) > 0


def test_video_has_20_capture_buffers_a_resolution():
    trace = workloads.video_playback()
    asked = trace.size[trace.op == Op.ALLOC]
    for size in (1_382_400, 3_110_400, 12_441_600):
        number = np.count_nonzero(asked == size)
        assert number
        assert number % 20 == 0
    assert np.count_nonzero(asked == 8_294_400) == 3


def test_video_takes_the_new_set_before_it_gives_the_old_one_back():
    trace = workloads.video_playback()
    sets = 20 * np.array([1_382_400, 3_110_400, 12_441_600])
    always = 3 * 8_294_400 + 4 * MiB
    assert trace.live_bytes().max() > always + sets.max()


def test_video_plays_30_frames_a_second_and_syncs_parts():
    trace = workloads.video_playback(seconds=10)
    assert count(trace, Op.BEGIN_CPU) == 300
    lengths = trace.size[trace.op == Op.BEGIN_CPU]
    assert lengths.min() >= 8 * KiB
    ends = trace.offset[trace.op == Op.BEGIN_CPU] + lengths
    assert ends.max() <= MiB


def test_mixed_media_fragments_a_carveout():
    board = hk.Board.preset("phone-8g")
    trace = workloads.mixed_media()
    run = hk.replay(trace, board)
    fell_back = np.flatnonzero((run["tried"] == 2) & (trace.op == Op.ALLOC))
    in_carveout = np.flatnonzero(run["heap"] == board.heap_names.index("camera"))
    before = in_carveout[np.searchsorted(in_carveout, fell_back) - 1]
    enough = run["free_bytes"][before] >= trace.size[fell_back]
    assert len(fell_back) > 100
    assert enough.mean() > 0.9


def test_mixed_media_holds_what_was_asked_for_on_average():
    live = workloads.mixed_media(events=40_000, live=100 * MiB).live_bytes()
    assert 80 * MiB < live.mean() < 120 * MiB


def test_small_churn_allocates_60_times_a_second():
    trace = workloads.small_churn()
    assert set(trace.op.tolist()) == {Op.ALLOC, Op.FREE}
    per_second = count(trace, Op.ALLOC) / (trace.duration_ns / 1e9)
    assert per_second == pytest.approx(60, rel=0.05)


def test_small_churn_asks_for_4_kib_to_2_mib_in_pages():
    asked = np.array(sorted(sizes(workloads.small_churn())))
    assert asked.min() == 4 * KiB
    assert asked.max() <= 2 * MiB
    assert not (asked % (4 * KiB)).any()


def test_the_number_of_events_is_the_one_asked_for():
    assert len(workloads.small_churn(events=100)) == 100
    assert len(workloads.mixed_media(events=100)) == 100
