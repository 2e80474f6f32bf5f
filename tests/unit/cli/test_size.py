# SPDX-License-Identifier: MIT
"""What ``heapkit size`` prints, and with which exit status."""

import json

import pytest

import heapkit as hk
from heapkit import MiB

SIZE = ("size", "camera_boot", "--board", "phone-8g", "--seeds", "1-2")


def test_size_finds_what_the_function_finds(output):
    told = json.loads(
        output(*SIZE, "--vary", "camera.size=320MiB:448MiB:32MiB", "--json")
    )
    answer = hk.size(
        hk.workloads.camera_boot,
        hk.Board.preset("phone-8g"),
        vary={"camera.size": [mib * MiB for mib in (320, 352, 384, 416, 448)]},
        seeds=(1, 2),
    )
    assert told["setting"] == answer.setting
    assert len(told["trials"]) == 10


def test_size_prints_its_answer_and_a_line_for_each_setting(output):
    told = output(*SIZE, "--vary", "camera.size=256MiB,512MiB").splitlines()
    assert told[0].startswith("camera.size = 512 MiB is the smallest")
    assert told[1].startswith("Single traces ask for ")
    assert len(told) == 6
    assert told[-1].endswith("<")


def test_size_takes_three_dots_for_a_range_around_the_boards_own(output):
    told = json.loads(output(*SIZE, "--vary", "camera.size=...", "--json"))
    tried = {trial["setting"]["camera.size"] for trial in told["trials"]}
    assert min(tried) == 64 * MiB
    assert max(tried) == 512 * MiB


def test_size_prints_only_the_node_to_paste(output):
    told = output(*SIZE, "--vary", "camera.size=512MiB", "--devicetree")
    assert told.startswith("reserved-memory {")
    assert told.endswith("};\n")


def test_size_prints_only_the_kernel_argument(output):
    heap = ("--heap", "default_cma_region")
    vary = ("--vary", "default_cma_region.size=512MiB")
    assert output(*SIZE, *heap, *vary, "--cmdline") == "cma=512M\n"


def test_size_of_a_file_is_for_that_trace_alone(output):
    told = output(
        "size",
        hk.sample("camera_boot.parquet"),
        "--board",
        "phone-8g",
        "--vary",
        "camera.size=512MiB",
        "--json",
    )
    assert json.loads(told)["traces"] == 1


@pytest.mark.parametrize("target", [(), ("--failure-rate", "1", "--p99", "1ns")])
@pytest.mark.parametrize("form", [(), ("--json",), ("--devicetree",)])
def test_size_that_nothing_meets_has_exit_status_one(heapkit, target, form):
    status, _, _ = heapkit(*SIZE, "--vary", "camera.size=8MiB", *target, *form)
    assert status == 1


def test_size_that_nothing_meets_leaves_nothing_to_paste(heapkit):
    answer = heapkit(*SIZE, "--vary", "camera.size=8MiB", "--devicetree")
    assert answer[1] == ""
    assert answer[2].startswith("heapkit: No camera.size tried")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--vary", "camera.size=64MB"), "64MB"),
        (("--vary", "camera.size=1MiB:2MiB"), "1MiB:2MiB"),
        (("--vary", "camera.size=1MiB:2MiB:0"), "step"),
        (("--vary", "camera.size=2MiB:1MiB:4096"), "2MiB:1MiB:4096"),
        (("--vary", "camera.size=1:1GiB:1"), "1:1GiB:1"),
        (("--vary", "camera.size"), "NAME=VALUE"),
        (("--vary", "memory.total=1GiB"), "memory.total"),
        (("--vary", "camera.size=8MiB", "--vary", "camera.size=9MiB"), "twice"),
        (("--vary", "camera.size=8MiB", "--p99", "5"), "'5' is not a time"),
        (("--vary", "camera.size=8MiB", "--failure-rate", "2"), "2.0"),
        (("--vary", "camera.size=512MiB", "--cmdline"), "CarveoutHeap"),
        (("--vary", "camera.size=8MiB", "--devicetree", "--json"), "--json"),
        (("--vary", "camera.size=8MiB", "--seed", "1"), "--seeds"),
        ((), "--vary"),
    ],
)
def test_size_names_the_argument_that_is_wrong(complaint, words, named):
    assert named in complaint(*SIZE, *words)
