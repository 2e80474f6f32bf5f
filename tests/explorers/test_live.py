# SPDX-License-Identifier: MIT
"""A recording to look at while it runs."""

import numpy as np
import pytest

import heapkit as hk
from heapkit.views.live import POINTS, live_columns
from tests.unit.recorder.fake import Machine, cma
from tests.unit.recorder.test_recording import seconds, wait_for


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path / "machine", monkeypatch)


@pytest.fixture
def panel(machine, tmp_path):
    machine.area(count=100, used=4)
    path = tmp_path / "t.parquet"
    with hk.record(path, interval=0.005, root=machine.root) as recording:
        one = hk.explore.live(recording, name="test")
        yield one
        one.close()


def test_it_follows_what_is_held(panel, machine):
    machine.trace(cma(seconds(), 0x100, 4))
    wait_for(lambda: "reserved" in panel.recording.samples[-1].held)
    wait_for(lambda: "16 KiB" in panel._facts.value)
    table = panel._table()
    assert table["reserved"].iloc[-1] == 16384
    assert table["area reserved, taken"].iloc[-1] == 16384


def test_its_buttons_stop_and_resume(panel):
    panel._stop()
    assert panel.recording.status == "stopped"
    wait_for(lambda: "stopped" in panel._head.value)
    panel._resume()
    assert panel.recording.running


def test_a_button_that_does_not_fit_says_so(panel):
    panel._resume()
    assert "allowed" in panel._status.value


def test_the_recording_goes_on_when_the_panel_is_closed(panel):
    panel.close()
    assert panel.recording.running


def test_it_can_be_exported_without_a_browser(panel):
    assert panel.to_png().startswith(b"\x89PNG")


def test_a_long_recording_is_thinned_up_to_its_end():
    n = 10_000
    found = live_columns(np.arange(n), np.arange(n), {"a": np.arange(n)})
    assert sum(map(len, found.values())) - len(found["time"]) <= POINTS
    assert found["line0"][-1] == n - 1
