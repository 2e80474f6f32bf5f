# SPDX-License-Identifier: MIT
"""What all explorers have in common."""

import gc
import io
import json
import re
import threading
import weakref

import pytest
from PIL import Image

import heapkit as hk
from heapkit import MiB

# For each kind, controls and values that are not what it begins with.
OTHERS = {
    "carveout": {"fit": "best", "size": 128 * MiB, "event": 99, "colour": "size"},
    "pool": {"refill": True, "fill_mib": 20, "low_percent": 10, "event": 99},
    "sync": {"devices": 5, "coherent": True, "access": "r", "frames": 3},
}


def sources(panel):
    return {
        s.id: {k: list(v) for k, v in s.data.items()}
        for s in panel.layout_root.references()
        if hasattr(s, "data") and hasattr(s, "selected")
    }


def test_it_opens_without_a_mistake(panel):
    assert panel.error is None
    assert panel._facts.value


def test_it_begins_as_the_board_is(carveout, pool, board):
    assert carveout.size.value == board.heap("camera").size
    assert pool.deferred.value is board.heap("system-pooled").pool.deferred_free


def test_a_control_changes_the_data(panel):
    before = sources(panel)
    panel.state = OTHERS[panel.kind]
    assert panel.error is None
    assert sources(panel) != before


def test_a_state_round_trips_through_json(panel):
    panel.state = OTHERS[panel.kind]
    state, data = json.loads(json.dumps(panel.state)), sources(panel)
    panel.reset()
    assert sources(panel) != data
    panel.state = state
    assert panel.state == state
    assert sources(panel) == data


def test_a_state_keeps_the_zoom(carveout):
    carveout.zoom["events"].update(start=100, end=200)
    state = carveout.state
    carveout.reset()
    assert carveout.zoom["events"].end != 200
    carveout.state = state
    assert (carveout.zoom["events"].start, carveout.zoom["events"].end) == (100, 200)


def test_an_unknown_control_is_named(panel):
    with pytest.raises(ValueError, match=r"'sise' is unknown; allowed: .+"):
        panel.state = {"sise": 1}


def test_a_value_that_is_not_offered_is_named(panel):
    name = "fit" if panel.kind == "carveout" else "event"
    name = "access" if panel.kind == "sync" else name
    with pytest.raises(ValueError, match=f"{name}='worst'"):
        panel.state = {name: "worst"}


def test_the_state_of_another_kind_is_refused(panel):
    with pytest.raises(ValueError, match="kind='else'"):
        panel.state = {"kind": "else"}


def test_undo_goes_back_one_control_at_a_time(carveout):
    first = carveout.state
    carveout.fit.value = "best"
    second = carveout.state
    carveout.size.value = 128 * MiB
    carveout.undo()
    assert carveout.state == second
    carveout.undo()
    assert carveout.state == first
    carveout.undo()
    assert carveout.state == first


def test_a_drag_is_one_step_of_undo(carveout):
    first = carveout.event.value
    for event in range(10, 20):
        carveout.event.value = event
    carveout.undo()
    assert carveout.event.value == first


def test_reset_goes_back_to_the_beginning(panel):
    state, data = panel.state, sources(panel)
    panel.state = OTHERS[panel.kind]
    panel.reset()
    assert panel.state == state
    assert sources(panel) == data


def test_running_a_cell_again_gives_the_same_panel(panel, trace, board):
    again = getattr(hk.explore, panel.kind)(trace, board)
    assert again is panel


def test_running_a_cell_again_keeps_the_controls(panel, trace, board):
    panel.state = OTHERS[panel.kind]
    state = panel.state
    getattr(hk.explore, panel.kind)(trace, board)
    assert panel.state == state


def test_another_name_is_another_panel(panel, trace, board):
    other = getattr(hk.explore, panel.kind)(trace, board, name="other")
    assert other is not panel
    other.close()


def test_another_trace_is_shown_in_the_same_figure(panel, board):
    before = sources(panel)
    other = hk.workloads.camera_boot(seed=2)
    assert getattr(hk.explore, panel.kind)(other, board) is panel
    assert panel.error is None
    assert sources(panel).keys() == before.keys()
    assert sources(panel) != before


def test_a_closed_panel_is_replaced(trace, board):
    first = hk.explore.carveout(trace, board)
    first.close()
    second = hk.explore.carveout(trace, board)
    assert second is not first
    second.close()


def test_a_closed_panel_is_forgotten(trace, board):
    panel = hk.explore.carveout(trace, board, name="to be forgotten")
    gone = weakref.ref(panel)
    panel.close()
    del panel
    gc.collect()
    assert gone() is None


def test_closing_twice_is_allowed(trace, board):
    panel = hk.explore.sync(trace, board, name="closed twice")
    panel.close()
    panel.close()
    assert not panel.is_open


def test_a_page_of_its_own_needs_no_network(panel, tmp_path):
    page = panel.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=.http", page)


def test_a_static_picture_is_a_png(panel, tmp_path):
    data = panel.to_png(tmp_path / "picture.png")
    assert Image.open(io.BytesIO(data)).format == "PNG"
    assert (tmp_path / "picture.png").read_bytes() == data
    assert len(data) < 60_000


def test_the_table_has_a_row_for_each_event_or_device(panel, trace):
    lines = panel.to_csv().splitlines()
    assert len(lines) - 1 == (9 if panel.kind == "sync" else len(trace))


def test_a_mistake_is_told_and_the_last_picture_stays(carveout, monkeypatch):
    before = sources(carveout)

    def fail():
        raise ValueError("no <good>")

    monkeypatch.setattr(carveout, "_replay", fail)
    carveout.fit.value = "best"
    assert str(carveout.error) == "no <good>"
    assert "ValueError: no &lt;good&gt;" in carveout._status.value
    assert sources(carveout) == before


def test_the_next_picture_takes_the_mistake_back(carveout, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(carveout, "_replay", lambda: 1 / 0)
        carveout.fit.value = "best"
        assert isinstance(carveout.error, ZeroDivisionError)
    carveout.fit.value = "first-align"
    assert carveout.error is None
    assert "hk-error" not in carveout._status.value


def test_threads_may_turn_all_controls_at_once(panel):
    """As ipykernel does: each message of a widget on a thread of its own."""
    values = OTHERS[panel.kind]
    start = dict(panel.state)
    failed = []

    def turn(name):
        try:
            for i in range(12):
                value = values[name] if i % 2 else start[name]
                panel.controls[name].value = value
                panel._coalescer.painted(panel._coalescer.sent)
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=turn, args=(name,)) for name in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with panel._lock:
        panel._coalescer.flush()
    assert failed == []
    assert panel.error is None
    turned = sources(panel)
    panel.reset()
    panel.state = values
    assert sources(panel) == turned


def test_a_control_turned_and_turned_back_while_drawing_is_drawn_again(
    carveout, monkeypatch
):
    as_it_is, other = carveout.colour.value, OTHERS["carveout"]["colour"]
    draw = carveout._show_layout

    def draw_while_another_thread_turns():
        monkeypatch.setattr(carveout, "_show_layout", draw)
        with carveout._silently():
            carveout.colour.value = other
            draw()
            carveout.colour.value = as_it_is

    before = sources(carveout)
    monkeypatch.setattr(carveout, "_show_layout", draw_while_another_thread_turns)
    with carveout._lock:
        carveout._anew = True
        carveout._coalescer.request()
        carveout._coalescer.request()
    assert sources(carveout) == before
