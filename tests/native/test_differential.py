# SPDX-License-Identifier: MIT
"""A million events of the core against naive models; ten with HEAPKIT_TEST_SCALE=10."""

import os
import re

from tests.native.programs import FAST, build, run

EVENTS = 1_000_000
COMPARED = re.compile(r"^# compared (\d+) events$", re.MULTILINE)
# Tests of what takes its place from a run index, which has code for two kinds of CPU.
PLACING = re.compile(r"^test_(?:run_index|gen_pool|cma_area)\S* (\w+)$", re.MULTILINE)


def test_a_million_events_go_the_same_way_in_the_naive_models(report):
    scale = os.environ.get("HEAPKIT_TEST_SCALE", "1")
    program = build("c-fast", *FAST) / "heapkit-tests"
    status, output = run(program, HEAPKIT_TEST_SCALE=scale)
    assert status == 0, output
    events = sum(map(int, COMPARED.findall(output)))
    report(f"differential: {events:,} events of the core as in the naive models")
    assert events >= EVENTS * float(scale), output


def test_code_for_any_cpu_goes_the_same_way_too(report):
    scale = os.environ.get("HEAPKIT_TEST_SCALE", "1")
    program = build("c-fast", *FAST) / "heapkit-tests"
    names = PLACING.findall(run(program, "--list")[1])
    status, output = run(
        program, *names, HEAPKIT_TEST_SCALE=scale, HEAPKIT_TEST_PORTABLE="1"
    )
    assert status == 0, output
    events = sum(map(int, COMPARED.findall(output)))
    report(f"differential: {events:,} of them with the code for any CPU")
