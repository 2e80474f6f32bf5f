# SPDX-License-Identifier: MIT
import subprocess
import sys

import pytest

from heapkit.preload import program


@pytest.fixture(scope="module")
def static(tmp_path_factory):
    made = tmp_path_factory.mktemp("static") / "program"
    command = ["cc", "-static", "-x", "c", "-o", str(made), "-"]
    text = "int main(void) { return 0; }"
    subprocess.run(command, input=text, text=True, check=True)
    return str(made)


def test_a_program_with_a_loader_is_not_hindered():
    assert program.hindrance(program.find("ls")) is None


def test_a_static_program_is_told(static):
    assert program.hindrance(static) == "is statically linked"


def test_a_script_is_judged_by_its_interpreter(static, tmp_path):
    script = tmp_path / "script"
    script.write_text(f"#!{static} -x\n")
    assert program.hindrance(str(script)) == "is statically linked"
    script.write_text(f"#!{sys.executable}\n")
    assert program.hindrance(str(script)) is None


def test_a_32_bit_program_is_told(static, tmp_path):
    from pathlib import Path

    other = tmp_path / "other"
    data = bytearray(Path(static).read_bytes())
    data[4] = 1
    other.write_bytes(data)
    assert program.hindrance(str(other)) == "is no 64-bit program"


@pytest.mark.parametrize(
    "data", [b"", b"#!", b"#!\n", b"\x7fELF", b"\x7fELF\2\1", b"\x7fELF" + b"\xff" * 99]
)
def test_what_is_no_program_is_not_judged_or_said_to_be_none(data, tmp_path):
    path = tmp_path / "data"
    path.write_bytes(data)
    assert program.hindrance(str(path)) in (None, "is no 64-bit program")


def test_a_script_that_runs_itself_ends(tmp_path):
    path = tmp_path / "loop"
    path.write_text(f"#!{path}\n")
    assert program.hindrance(str(path)) is None


def test_what_is_not_there_is_not_found():
    assert program.find("no-such-program") is None
    assert program.hindrance("/no/such/program") is None
