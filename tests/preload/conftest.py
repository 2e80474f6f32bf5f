# SPDX-License-Identifier: MIT
"""Programs on the heaps of the bench: each is started by heapkit and says an answer."""

import json
import os
import sys
import textwrap
from pathlib import Path

import pytest

from heapkit import preload

HERE = Path(__file__).resolve().parent
MARK = "from door import *\n"


class Ran:
    """A program's outcome and output."""

    def __init__(self, outcome, output):
        self.outcome, self.output = outcome, output

    @property
    def answer(self):
        return json.loads(self.output.splitlines()[-1])

    def __getattr__(self, name):
        return getattr(self.outcome, name)


@pytest.fixture
def run(bench, tmp_path, capfd):
    """Run a command on the bench: ``run("ls", "/dev/dma_heap", record=…)``."""

    def run(*argv, board=bench, **options):
        capfd.readouterr()
        outcome = preload.run(board, argv, **options)
        output = capfd.readouterr()
        sys.stderr.write(output.err)
        return Ran(outcome, output.out)

    return run


@pytest.fixture
def program(run):
    """Run the text of a Python program that has door.py at hand."""

    def program(text, *argv, site="", **options):
        path = os.pathsep.join(filter(None, [str(HERE), site]))
        env = {**os.environ, "PYTHONPATH": path}
        text = MARK + textwrap.dedent(text)
        command = (sys.executable, "-S", "-c", text, *argv)
        return run(*command, env=env, **options)

    return program
