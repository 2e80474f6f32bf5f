# SPDX-License-Identifier: MIT
"""What a frame pays: kernel.md's rules, seen through the generated frames."""

import numpy as np
import pytest

import heapkit as hk
from heapkit import MiB
from heapkit.sync_cost import PARTS, Frames, frame_costs, frames_trace

SIZE = 1 * MiB
DEVICES = range(4)


@pytest.fixture(scope="module")
def board():
    return hk.Board.preset("phone-8g")


def costs(board, *, coherent=False, iommu=False, heap="system", **frames):
    wanted = Frames(**({"size": SIZE} | frames))
    return frame_costs(board, heap, wanted, DEVICES, coherent=coherent, iommu=iommu)


def test_the_parts_add_up_to_the_replay_with_all_constants(board):
    frames = Frames(size=SIZE, frames=10)
    trace = frames_trace(frames, "system", DEVICES)
    run = hk.replay(trace, board)
    outside = (hk.Op.ALLOC, hk.Op.FREE, hk.Op.CPU_WRITE)
    inside = ~np.isin(run["op"], outside)
    whole = np.bincount(run["buffer"], weights=run["latency_ns"] * inside) / 10
    parts = sum(costs(board, frames=10).values())
    assert parts == pytest.approx(whole, rel=1e-3, abs=10)


def test_every_part_names_constants_of_the_core():
    names = [name for part in PARTS.values() for name in part]
    assert set(names) <= set(hk.Costs.default())
    assert len(names) == len(set(names))


def test_nobody_attached_means_no_pass_over_the_buffer(board):
    assert costs(board)["clean lines"][0] == 0
    assert costs(board)["calls"][0] > 0


def test_n_devices_repeat_the_whole_pass_n_times(board):
    lines = costs(board)["invalidate lines"]
    assert lines[1:] == pytest.approx(lines[1] * np.arange(1, 4))


def test_mapping_for_each_frame_pays_although_begin_and_end_find_nobody(board):
    held, each = costs(board), costs(board, map_each_frame=True)
    assert each["attach and map"][2] > held["attach and map"][2]
    assert each["clean lines"][2] > 0


def test_a_small_touch_of_a_held_mapping_pays_for_its_lines_only(board):
    whole, part = costs(board), costs(board, touched=4096, frames=1000)
    assert part["clean lines"][1] < whole["clean lines"][1] / 50


def test_a_write_needs_no_invalidation_while_the_mapping_is_held(board):
    few = costs(board, access="w", frames=2)["invalidate lines"][1]
    many = costs(board, access="w", frames=200)["invalidate lines"][1]
    assert many < few / 50


def test_what_the_cpu_wrote_is_written_back_once_a_frame_for_all_devices(board):
    dirty = costs(board, access="w")["dirty lines"]
    assert dirty[0] == 0
    assert dirty[1] == dirty[3] > 0
    read = costs(board, access="r")["dirty lines"]
    # Only the zeroes that the buffer began with.
    assert read[1] == pytest.approx(dirty[1] / 31)


def test_the_iommu_is_paid_for_where_there_is_one(board):
    assert costs(board)["IOMMU"].tolist() == [0] * 4
    paid = costs(board, iommu=True)["IOMMU"]
    assert paid[1:] == pytest.approx(paid[1] * np.arange(1, 4))
    assert paid[1] > 0


def test_a_heap_that_the_cpu_cannot_map_costs_the_calls(board):
    found = costs(board, heap="protected,secure-video")
    assert found["calls"][1] > 0
    assert found["dirty lines"].tolist() == [0] * 4


def test_a_buffer_that_does_not_fit_is_refused_as_the_kernel_refuses(board):
    with pytest.raises(OSError, match="camera"):
        frame_costs(board, "camera", Frames(size=300 * MiB), DEVICES)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"access": "x"}, "access='x'"),
        ({"size": 0}, "size=0"),
        ({"frames": 0}, "frames=0"),
        ({"touched": SIZE + 1}, f"touched={SIZE + 1}"),
        ({"touched": 0}, "touched=0"),
    ],
)
def test_wrong_frames_are_named(wrong, named):
    with pytest.raises(ValueError, match=named):
        Frames(**({"size": SIZE} | wrong))


def test_a_heap_that_the_board_has_not_is_named_with_those_it_has(board):
    with pytest.raises(ValueError, match=r"'sytem'.*system-pooled"):
        frame_costs(board, "sytem", Frames(size=SIZE), DEVICES)
