# SPDX-License-Identifier: MIT
"""``python -m heapkit`` as another program sees it."""

import signal
import subprocess
import sys

import pytest

# It prints more than a pipe holds, so it waits until somebody reads on.
LONG = (
    *("explain", "camera_boot", "--board", "phone-8g", "--heap", "camera"),
    *("--set", "camera.size=64MiB", "--failures"),
)


def program(*words, **options):
    command = [sys.executable, "-m", "heapkit", *words]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **options)


@pytest.fixture
def interruptible():
    """A job in a shell's background ignores interrupts, and so would its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_program_has_help():
    with program("--help", stdout=subprocess.PIPE) as running:
        out, err = running.communicate()
    assert (running.returncode, err) == (0, "")
    assert out.startswith("usage: heapkit")


def test_program_is_quiet_when_nobody_reads_on():
    with program(*LONG, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        running.stdout.close()
        err = running.stderr.read()
    assert (running.returncode, err) == (141, "")


@pytest.mark.usefixtures("interruptible")
def test_program_that_is_interrupted_says_nothing():
    with program(*LONG, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        running.send_signal(signal.SIGINT)
        _, err = running.communicate()
    assert (running.returncode, err) == (130, "")


def test_command_that_draws_nothing_loads_no_bokeh():
    code = (
        "import sys; from heapkit.cli import main\n"
        "main(['replay', 'camera_boot', '--board', 'phone-8g']); main(['doctor'])\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert not {"bokeh", "pandas", "pyarrow", "IPython"} & set(done.stderr.split())
