# SPDX-License-Identifier: MIT
"""The C core's own tests, built with ASan and UBSan, each as one test here."""

import os
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "c-tests"
SENTENCE = re.compile(r"^TEST\((\w+)\)", re.MULTILINE)
# The build tools that the environment locks come before the system's.
TOOLS = {
    **os.environ,
    "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
}

CASES = [
    pytest.param(name, id=f"{source.stem.removeprefix('test_')}-{name}")
    for source in sorted((ROOT / "native" / "tests").glob("test_*.c"))
    for name in SENTENCE.findall(source.read_text())
]


def run(*command):
    done = subprocess.run(
        command, env=TOOLS, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def program():
    """Build anew what changed; warnings are errors."""
    configure = ["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja"]
    flags = ["-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O1 -g"]
    for command in ([*configure, *flags], ["cmake", "--build", BUILD]):
        status, output = run(*command)
        assert status == 0, output
    return BUILD / "heapkit-tests"


@pytest.mark.parametrize("name", CASES)
def test_the_c_core(program, name):
    status, output = run(program, name)
    assert status == 0, output
    assert f"ok 1 - {name}" in output


def test_the_program_holds_every_test_of_the_sources(program):
    _, listing = run(program, "--list")
    listed = [line.split()[1] for line in listing.splitlines()]
    assert sorted(listed) == sorted(case.values[0] for case in CASES)
