# SPDX-License-Identifier: MIT
"""heapkit introspect, of this machine and of a capture."""

import json

import heapkit as hk

CAPTURE = hk.sample("captures/cma_64m/3_after_frees")


def test_introspect_prints_sources_buffers_and_areas(output):
    told = output("introspect", "--root", CAPTURE)
    assert told.startswith("<Introspection of Linux 6.12.117: 12 buffers")
    assert "3 MiB [bufinfo]" in told
    assert "camera (hal) (28), display (29)" in told
    assert "an Android common kernel" in told


def test_introspect_as_json_has_everything(output):
    told = json.loads(output("introspect", "--root", CAPTURE, "--json"))
    assert len(told["buffers"]) == 12
    assert told["cma"]["reserved"]["holes"] == 9
    assert {s["name"]: s["status"] for s in told["sources"]}["cma"] == "read"
    assert told["buffers"][0]["holders"][0]["comm"] == "camera (hal)"


def test_introspect_of_this_machine_needs_nothing(output):
    assert "MemTotal" in json.loads(output("introspect", "--json"))["meminfo"]


def test_introspect_keeps_what_it_read(output, tmp_path):
    kept = tmp_path / "kept"
    told = output("introspect", "--root", CAPTURE, "--capture", kept)
    assert output("introspect", "--root", kept) == told


def test_introspect_writes_over_nothing(complaint, tmp_path):
    assert "there is something already" in complaint(
        "introspect", "--capture", tmp_path
    )


def test_introspect_names_the_line_of_what_is_malformed(complaint, output, tmp_path):
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/meminfo").write_text("MemFree: 1 kB\nnonsense\n")
    asked = ("introspect", "--root", tmp_path)
    assert "meminfo:2: expected NAME" in complaint(*asked)
    assert "malformed  meminfo" in output(*asked, "--tolerant")


def test_introspect_does_not_send_commands_to_the_terminal(output, tmp_path):
    directory = tmp_path / "proc/7/fdinfo"
    directory.mkdir(parents=True)
    (tmp_path / "proc/7/comm").write_text("evil\x1b[2J\n")
    (directory / "3").write_text(
        "ino:\t14\nsize:\t4096\ncount:\t1\nexp_name:\tsystem\nname:\t\x1b]0;x\x07\n"
    )
    assert "\x1b" not in output("introspect", "--root", tmp_path)
