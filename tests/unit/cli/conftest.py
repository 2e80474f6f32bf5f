# SPDX-License-Identifier: MIT
"""Commands run inside the test's own process."""

import pytest

from heapkit import cli


@pytest.fixture
def heapkit(capsys):
    """Runs a command: its exit status, standard output and standard error."""

    def run(*words):
        try:
            status = cli.main([str(word) for word in words])
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def output(heapkit):
    """Runs a command that has to succeed: its standard output."""

    def run(*words):
        status, out, err = heapkit(*words)
        assert (status, err) == (0, "")
        return out

    return run


@pytest.fixture
def complaint(heapkit):
    """Runs a command that has to be refused: the one line that says why."""

    def run(*words):
        status, out, err = heapkit(*words)
        assert (status, out) == (2, "")
        assert err.startswith("heapkit: ")
        assert err.count("\n") == 1
        return err

    return run
