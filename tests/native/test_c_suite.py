# SPDX-License-Identifier: MIT
"""The C core's own tests, built with ASan and UBSan, each as one test here."""

import re

import pytest

from tests.native.programs import DEBUG, ROOT, SANITIZE, build, run

SENTENCE = re.compile(r"^TEST\((\w+)\)", re.MULTILINE)
# Long comparisons with the naive models run without sanitizers: test_differential.py.
SCALE = "0.1"

CASES = [
    pytest.param(name, id=f"{source.stem.removeprefix('test_')}-{name}")
    for source in sorted((ROOT / "native" / "tests").glob("test_*.c"))
    for name in SENTENCE.findall(source.read_text())
]


@pytest.fixture(scope="module")
def program():
    return build("c-tests", *DEBUG, SANITIZE) / "heapkit-tests"


@pytest.mark.parametrize("name", CASES)
def test_the_c_core(program, name):
    status, output = run(program, name, HEAPKIT_TEST_SCALE=SCALE)
    assert status == 0, output
    assert f"ok 1 - {name}" in output


def test_the_program_holds_every_test_of_the_sources(program):
    _, listing = run(program, "--list")
    listed = [line.split()[1] for line in listing.splitlines()]
    assert sorted(listed) == sorted(case.values[0] for case in CASES)
