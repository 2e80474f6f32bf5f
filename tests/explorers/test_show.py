# SPDX-License-Identifier: MIT
import numpy as np
import pytest

import heapkit as hk
from heapkit import GiB, MiB
from heapkit.show import figure_of

BOARD = hk.Board(
    name="b",
    memory=hk.Memory(total=1 * GiB),
    heaps=(hk.SystemHeap(), hk.CarveoutHeap(name="camera", size=4 * MiB, base=8 * GiB)),
)


def frames(count, heap="camera"):
    return hk.Trace.from_columns(
        op=np.zeros(count, np.uint8),
        buffer=np.arange(count),
        size=np.full(count, MiB),
        heap=heap,
        time_ns=np.arange(count),
    )


def names(layout):
    return {model.name for model in layout.references() if model.name}


def test_a_snapshot_is_drawn_with_its_owners():
    layout = figure_of(hk.read(hk.sample("rk_dma_heap_alloc_map_rv1106")))
    assert {"hk_snapshot", "hk_owners"} <= names(layout)


def test_an_observation_is_drawn_with_its_buffers():
    layout = figure_of(hk.read(hk.sample("bufinfo_sima_mla_fixture")))
    assert {"hk_exporters", "hk_buffers"} <= names(layout)


def test_a_run_is_drawn_with_a_box_per_buffer_and_a_mark_per_refusal():
    layout = figure_of(hk.replay(frames(6), BOARD))
    assert len(layout.select_one({"name": "hk_lives"}).data["start"]) == 4
    assert len(layout.select_one({"name": "hk_failures"}).data["event"]) == 2


def test_a_run_with_a_breakdown_is_drawn_by_part():
    run = hk.replay(frames(6), BOARD, breakdown=True)
    layout = figure_of(run, what="breakdown")
    steps = layout.select_one({"name": "hk_breakdown_steps"}).data
    assert steps["total"][:6].tolist() == run["latency_ns"].tolist()
    assert "hk_breakdown_view" in names(layout)
    assert "hk_lives" in names(figure_of(run))


def test_the_breakdown_of_one_heap_leaves_the_others_out():
    run = hk.replay(frames(6, "camera|system"), BOARD, breakdown=True)
    layout = figure_of(run, what="breakdown", heap="system")
    steps = layout.select_one({"name": "hk_breakdown_steps"}).data
    assert steps["event"].tolist() == [4, 5, 6]
    with pytest.raises(ValueError, match="'nowhere' is not on the board"):
        figure_of(run, what="breakdown", heap="nowhere")


def test_a_run_without_a_breakdown_says_how_to_have_one():
    run = hk.replay(frames(6), BOARD)
    with pytest.raises(ValueError, match="without breakdown=True"):
        figure_of(run, what="breakdown")
    with pytest.raises(ValueError, match="what='costs'; allowed: 'memory', 'break"):
        figure_of(run, what="costs")


def file_run(tmp_path, trace):
    path = tmp_path / "t.parquet"
    trace.write(path)
    return hk.replay_file(path, BOARD)


def test_a_file_run_is_drawn_as_a_band_with_a_mark_where_requests_were_refused(
    tmp_path,
):
    run = file_run(tmp_path, frames(6))
    columns = figure_of(run).select_one({"name": "hk_envelope"}).data
    assert columns["free_low"].tolist() == [3 * MiB, 2 * MiB, MiB, 0, 0, 0, 0]
    failures = figure_of(run).select_one({"name": "hk_failures"}).data
    assert failures["event"].tolist() == [4, 5]


def test_a_file_run_of_a_system_heap_has_a_picture_too(tmp_path):
    run = file_run(tmp_path, frames(6, "system"))
    assert "hk_envelope_view" in names(figure_of(run))
    assert figure_of(run, heap="camera").select_one({"name": "hk_envelope"}) is not None
    with pytest.raises(ValueError, match="heap: 'nowhere'"):
        figure_of(run, heap="nowhere")


def test_a_recommendation_is_drawn_with_a_point_per_setting():
    sizes = [2 * MiB, 4 * MiB, 8 * MiB]
    layout = figure_of(hk.size(frames(6), BOARD, vary={"camera.size": sizes}))
    assert "hk_sizing_view" in names(layout)


def test_settings_that_are_not_numbers_are_drawn_in_the_order_tried():
    fits = ["first", "best"]
    layout = figure_of(hk.size(frames(6), BOARD, vary={"camera.fit": fits}))
    assert "hk_sizing_view" in names(layout)


def test_a_run_on_system_heaps_only_has_no_picture_and_says_where_one_is():
    run = hk.replay(frames(6, "system"), BOARD)
    with pytest.raises(ValueError, match="no region heap"):
        figure_of(run)
    with pytest.raises(ValueError, match=r"hk\.explore\.pool"):
        figure_of(run, heap="system")


def test_anything_else_is_refused_by_name():
    with pytest.raises(TypeError, match="thing='nonsense'"):
        figure_of("nonsense")
