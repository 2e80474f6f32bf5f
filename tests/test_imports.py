# SPDX-License-Identifier: MIT
"""``import heapkit`` is light: heavy packages come when they are asked for."""

import subprocess
import sys

import pytest

HEAVY = ("bokeh", "pandas", "pyarrow", "IPython", "ipywidgets", "jupyter_bokeh")


def modules_after(code):
    program = f"{code}\nimport sys\nprint(*sys.modules)"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("heavy", HEAVY)
def test_import_loads_nothing_heavy(heavy):
    assert heavy not in modules_after("import heapkit")


def test_replay_draws_nothing():
    code = (
        "import heapkit as hk\n"
        "hk.replay(hk.workloads.camera_boot(seed=1), hk.Board.preset('phone-8g'))"
    )
    assert not modules_after(code) & {"bokeh", "ipywidgets", "IPython"}
