# SPDX-License-Identifier: MIT
"""``heapkit run``: its words; what it does with a program is in tests/preload."""

import signal

import pytest

from heapkit import cli
from heapkit.cli.run import fault


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("camera=3", ("camera", 3)),
        ("camera=0.05", ("camera", 0.05)),
        ("linux,cma=5%", ("linux,cma", 0.05)),
        ("a=b=1", ("a=b", 1)),
    ],
)
def test_a_fault_is_a_number_or_a_share(text, wanted):
    assert fault(text) == wanted


@pytest.mark.parametrize("text", ["camera", "=3", "camera=", "camera=x", "camera=%"])
def test_what_is_no_fault_is_refused_with_an_example(text):
    with pytest.raises(ValueError, match="such as camera=3"):
        fault(text)


def test_a_program_has_to_be_given(capsys):
    assert cli.main(["run", "--board", "phone-8g"]) == cli.WRONG
    assert "behind --" in capsys.readouterr().err


def test_an_unknown_board_is_named_before_anything_runs(capsys, tmp_path):
    made = tmp_path / "made"
    argv = ["run", "--board", "phone", "--", "touch", str(made)]
    assert cli.main(argv) == cli.WRONG
    assert "'phone'" in capsys.readouterr().err
    assert not made.exists()


def test_a_fault_of_a_heap_that_the_board_has_not_is_named(capsys):
    argv = ["run", "--board", "phone-8g", "--fail", "nonsense=1", "--", "true"]
    assert cli.main(argv) == cli.WRONG
    assert "'nonsense'" in capsys.readouterr().err


def test_the_example_of_the_help_runs(capfd):
    assert cli.main(["run", *cli.COMMANDS["run"].example.split()]) == 0
    assert capfd.readouterr().err.startswith("heapkit: status 0")


def test_options_behind_the_dashes_are_the_programs(capfd):
    argv = ["run", "--quiet", "--board", "phone-8g", "--", "echo", "--board", "--", "x"]
    assert cli.main(argv) == 0
    assert capfd.readouterr().out == "--board -- x\n"


def test_signals_do_what_they_did_before_when_the_run_is_over():
    before = signal.getsignal(signal.SIGTERM)
    cli.main(["run", "--quiet", "--board", "phone-8g", "--", "true"])
    assert signal.getsignal(signal.SIGTERM) is before
