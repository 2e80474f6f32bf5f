# SPDX-License-Identifier: MIT
"""What replay, explain, read and doctor print."""

import json

import pandas as pd
import pytest

import heapkit as hk
from heapkit import MiB, Op, offers
from heapkit.backends import live
from heapkit.errors import InvariantError

PHONE = ("--board", "phone-8g")
TIGHT = (*PHONE, "--set", "camera.size=64MiB")
TRACE = hk.sample("camera_boot.parquet")
SNAPSHOT = hk.sample("rk_dma_heap_alloc_map_rv1106.txt")
OBSERVATION = hk.sample("bufinfo_sima_mla_fixture.txt")


def tight_run():
    board = hk.Board.preset("phone-8g").replace({"camera.size": 64 * MiB})
    return hk.replay(hk.workloads.camera_boot(heap="camera"), board)


# --- replay ------------------------------------------------------------------


def test_replay_prints_a_line_for_each_heap(output):
    lines = output("replay", "camera_boot", *PHONE).splitlines()
    names = [line.split()[0] for line in lines if line]
    assert names[-5:] == list(hk.Board.preset("phone-8g").heap_names)


def test_replay_as_json_is_the_summary(output):
    told = json.loads(
        output("replay", "camera_boot", *TIGHT, "--heap=camera", "--json")
    )
    assert told == tight_run().summary()


def test_replay_says_how_many_failed_and_why(output):
    failures = tight_run().summary()["failures"]
    shown = output("replay", "camera_boot", *TIGHT, "--heap", "camera")
    assert f"{failures} ENOMEM" in shown


def test_replay_of_a_file_is_that_of_the_workload_it_was_made_by(output):
    from_file = output("replay", TRACE, *PHONE)
    assert from_file == output("replay", "camera_boot", "--seed", 1, *PHONE)


def test_replay_with_another_seed_is_another_run(output):
    one, two = (output("replay", "camera_boot", *PHONE, "--seed", s) for s in (1, 2))
    assert one != two


def test_replay_writes_a_row_per_event(output, tmp_path):
    out = tmp_path / "run.csv"
    output("replay", "camera_boot", *TIGHT, "--heap", "camera", "--csv", out)
    frame, run = pd.read_csv(out, index_col="event"), tight_run()
    assert len(frame) == len(run)
    assert frame["latency_ns"].tolist() == run["latency_ns"].tolist()
    assert set(frame["error"].dropna()) == {"ENOMEM"}


def test_replay_tells_what_the_latencies_are_made_of(output, tmp_path):
    out = tmp_path / "run.csv"
    asked = ("replay", "camera_boot", *PHONE, "--breakdown")
    told = output(*asked, "--csv", out)
    assert "part of the latency" in told
    assert "zeroing" in told.split("part of the latency")[1]
    assert "map_entry_ns" in pd.read_csv(out).columns
    assert "zeroing" in json.loads(output(*asked, "--json"))["latency_by_part"]
    assert "part of the latency" not in output(*asked[:-1])


def test_replay_of_a_trace_without_allocations_prints_zeros(output, tmp_path):
    trace = hk.Trace.from_columns(
        op=[Op.PRESSURE], buffer=[0], size=[4096], heap=["system"], time_ns=[0]
    )
    trace.write(tmp_path / "none.parquet")
    assert "modelled latency        none" in output(
        "replay", tmp_path / "none.parquet", *PHONE
    )


# --- explain -----------------------------------------------------------------


def test_explain_prints_the_sentence_of_each_event(output):
    run = tight_run()
    told = output("explain", "camera_boot", "0", *TIGHT, "--heap", "camera", "8", "-1")
    assert told.splitlines() == [run.explain(0), run.explain(8), run.explain(-1)]


def test_explain_tells_every_allocation_that_failed(output):
    told = output("explain", "camera_boot", *TIGHT, "--heap=camera", "--failures")
    assert len(told.splitlines()) == tight_run().summary()["failures"]
    assert "fails with ENOMEM" in told.splitlines()[0]


def test_explain_says_so_if_nothing_failed(output):
    told = output("explain", "camera_boot", *PHONE, "--failures")
    assert told == "No allocation failed.\n"


def test_explain_as_json_has_the_number_of_the_event(output):
    (told,) = json.loads(output("explain", "camera_boot", *PHONE, "--json", "-1"))
    events = len(hk.workloads.camera_boot())
    assert told["event"] == events - 1
    assert told["text"].startswith(f"Event {events - 1}, FREE")
    assert told["breakdown_ns"] == {"free_call": 3000}


@pytest.mark.parametrize("words", [(), ("1", "--failures")])
def test_explain_wants_events_or_failures(complaint, words):
    assert "--failures" in complaint("explain", "camera_boot", *PHONE, *words)


def test_explain_names_an_event_that_is_not_there(complaint):
    assert "EVENT 99999:" in complaint("explain", "camera_boot", *PHONE, "99999")


# --- read --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "kind", "listed"),
    [(SNAPSHOT, "Snapshot", "regions"), (OBSERVATION, "Observation", "buffers")],
)
def test_read_says_what_a_file_is_and_how_much_it_lists(output, path, kind, listed):
    lines = [line.split(maxsplit=1) for line in output("read", path).splitlines()]
    told = dict(lines)
    assert told["is"] == kind
    assert int(told[listed]) == len(getattr(hk.read(path), listed))


def test_read_as_json_has_every_region(output):
    told = json.loads(output("read", SNAPSHOT, "--json"))
    first = hk.read(SNAPSHOT).regions[0]
    assert told["regions"][0] == {
        "address": first.address,
        "size": first.size,
        "state": "USED",
        "owner": first.owner,
    }


def test_read_as_json_has_every_buffer(output):
    told = json.loads(output("read", OBSERVATION, "--json"))
    assert [b["size"] for b in told["buffers"]] == [
        b.size for b in hk.read(OBSERVATION).buffers
    ]


def test_read_of_a_trace_says_what_it_asks_of_which_heaps(output):
    told = json.loads(output("read", TRACE, "--json"))
    trace = hk.Trace.read(TRACE)
    assert told["events"] == len(trace)
    assert told["heaps"] == list(trace.heaps)
    assert told["meta"] == trace.meta
    assert "camera|system-pooled" in output("read", TRACE)


def test_read_names_a_file_that_is_not_there(complaint):
    assert "nowhere.txt" in complaint("read", "nowhere.txt")


def test_read_names_the_line_that_it_does_not_know(complaint, tmp_path):
    (tmp_path / "note.txt").write_text("\nhello\n")
    assert "note.txt:2: no known format" in complaint("read", tmp_path / "note.txt")


# --- doctor ------------------------------------------------------------------


def test_doctor_is_content_where_simulation_works(output):
    told = json.loads(output("doctor", "--json"))
    assert told["simulation"] == {"works": True, "fault": None}
    assert told["versions"]["heapkit"] == hk.__version__


def test_doctor_says_why_there_are_no_live_heaps(output, monkeypatch):
    monkeypatch.setattr(live, "missing", lambda *_: "There is no kernel.")
    assert output("doctor").endswith("live heaps     There is no kernel.\n")
    told = json.loads(output("doctor", "--json"))
    assert told["live"] == {"heaps": [], "missing": "There is no kernel."}


def test_doctor_fails_where_the_core_is_broken(heapkit, monkeypatch):
    def broken(*_, **__):
        raise InvariantError("page 7 is free twice")

    monkeypatch.setattr(offers, "replay", broken)
    status, out, _ = heapkit("doctor")
    assert status == 1
    assert "InvariantError: page 7 is free twice" in out


def test_doctor_says_which_package_is_not_installed(output, monkeypatch):
    monkeypatch.setattr(offers, "PACKAGES", ("heapkit", "no-such-package"))
    assert "no-such-package  not installed" in output("doctor")
