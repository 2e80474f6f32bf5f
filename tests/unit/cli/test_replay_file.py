# SPDX-License-Identifier: MIT
"""What ``heapkit replay-file`` prints, leaves and goes on from."""

import json

import pandas as pd
import pytest

import heapkit as hk
from heapkit import pace

PHONE = ("--board", "phone-8g")
TIGHT = (*PHONE, "--set", "camera.size=64MiB")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "t.parquet"
    hk.workloads.camera_boot().write(path)
    return path


def test_it_prints_what_replay_prints(output, path):
    whole = output("replay", path, *TIGHT).splitlines()
    parts = output("replay-file", path, *TIGHT).splitlines()
    # Percentiles are near, and written with three digits.
    different = [a for a, b in zip(whole, parts, strict=True) if a != b]
    assert all(line.startswith("modelled latency") for line in different)


def test_json_is_the_summary(output, path):
    board = hk.Board.preset("phone-8g").replace({"camera.size": 64 << 20})
    summary = hk.replay_file(path, board).summary()
    assert json.loads(output("replay-file", path, *TIGHT, "--json")) == summary


def test_csv_has_the_lowest_and_highest_gauges(output, path, tmp_path):
    table = tmp_path / "out.csv"
    output("replay-file", path, *PHONE, "--csv", table)
    run = hk.replay_file(path, hk.Board.preset("phone-8g"))
    frame = run.to_frame().astype({"heap": str})
    assert pd.read_csv(table).equals(frame.astype(pd.read_csv(table).dtypes))


def test_an_interrupt_is_a_status_and_a_line_that_says_how_to_go_on(
    heapkit, output, path, tmp_path, monkeypatch
):
    checkpoint = tmp_path / "stopped"
    words = ("replay-file", path, *PHONE, "--checkpoint", checkpoint)
    whole = output(*words[:-2])
    real = hk._ffi.Machine.replay_part

    def interrupt(self, *args, **options):
        real(self, *args, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr(pace, "FIRST", 100)
        changed.setattr(hk._ffi.Machine, "replay_part", interrupt)
        status, out, err = heapkit(*words)
    assert (status, out) == (130, "")
    assert "stopped after 100 of" in err
    assert str(checkpoint) in err
    assert output(*words) == whole
    assert not checkpoint.exists()


def test_a_file_that_is_no_trace_is_refused_in_one_line(complaint, tmp_path):
    path = tmp_path / "t.parquet"
    path.write_text("nonsense")
    assert "no readable Parquet file" in complaint("replay-file", path, *PHONE)
    assert "no such file" in complaint("replay-file", tmp_path / "no", *PHONE)


def test_a_checkpoint_of_another_board_is_refused_in_one_line(
    complaint, path, tmp_path, monkeypatch, heapkit
):
    checkpoint = tmp_path / "stopped"

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as changed:
        changed.setattr(hk._ffi.Machine, "replay_part", interrupt)
        heapkit("replay-file", path, *PHONE, "--checkpoint", checkpoint)
    said = complaint("replay-file", path, *TIGHT, "--checkpoint", checkpoint)
    assert "another board" in said
