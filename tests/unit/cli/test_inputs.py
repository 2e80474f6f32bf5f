# SPDX-License-Identifier: MIT
"""Help, and what the commands have in common: the wrong argument is named."""

import inspect

import pytest

import heapkit as hk
from heapkit import cli, workloads
from heapkit.cli import inputs

PHONE = ("--board", "phone-8g")
TRACE = hk.sample("camera_boot.parquet")
# Their examples name a file or a program of the reader's, or record his machine.
FOR_OTHERS = {"read", "record", "run"}
SNAPSHOT = hk.sample("rk_dma_heap_alloc_map_rv1106.txt")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_has_an_example(output, name):
    assert f"example:\n  heapkit {name} " in output(name, "--help")


@pytest.mark.parametrize("name", sorted(set(cli.COMMANDS) - FOR_OTHERS))
def test_example_of_the_help_runs(heapkit, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hk.workloads.camera_boot(launches=1).write("long.parquet")
    status, out, err = heapkit(name, *cli.COMMANDS[name].example.split())
    assert (status, err) == (0, "")
    assert out


def test_help_lists_the_commands(output):
    shown = output("--help")
    assert all(f"\n  {name} " in shown for name in cli.COMMANDS)


def test_version_is_that_of_the_package(output):
    assert output("--version") == f"heapkit {hk.__version__}\n"


def test_workloads_are_those_of_the_package():
    public = {
        name
        for name, thing in inspect.getmembers(workloads, inspect.isfunction)
        if "heap" in inspect.signature(thing).parameters
    }
    assert set(inputs.WORKLOADS) == public


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ((), "COMMAND"),
        (("bogus",), "bogus"),
        (("replay", *PHONE), "TRACE"),
        (("replay", "camera_boot"), "--board"),
        (("replay", "camera_boot", "--board", "fridge"), "fridge"),
        (("replay", "nothing", *PHONE), "nothing"),
        (("replay", "camera_boot", "--board", "set-top-4k"), "say --heap CHAIN"),
        (("replay", SNAPSHOT, *PHONE), "Snapshot"),
        (("replay", TRACE, *PHONE, "--seed", "2"), "--seed"),
        (("replay", "camera_boot", *PHONE, "--seed", "-1"), "seed=-1"),
        (("replay", "camera_boot", *PHONE, "--seed", "one"), "one"),
        (("replay", "camera_boot", *PHONE, "--heap", "fridge"), "fridge"),
        (("replay", "camera_boot", *PHONE, "--set", "camera.size=64MB"), "64MB"),
        (("replay", "camera_boot", *PHONE, "--set", "camera.sise=1"), "camera.sise"),
        (("replay", "camera_boot", *PHONE, "--set", "camera.fit=worst"), "worst"),
        (("replay", "camera_boot", *PHONE, "--set", "camera.size=-5"), "-5"),
        (("replay", "camera_boot", *PHONE, "--csv", "nowhere/run.csv"), "nowhere"),
        (("replay-file", "nothing", *PHONE), "FILE 'nothing': no such file"),
        (
            ("replay-file", __file__, *PHONE, "--csv", "nowhere/run.csv"),
            "no such folder",
        ),
        (("replay", "camera_boot", *PHONE, "--jso"), "--jso"),
        (("explain", "camera_boot", *PHONE, "first"), "first"),
    ],
)
def test_wrong_argument_is_named_in_one_line(complaint, words, named):
    assert named in complaint(*words)
