# SPDX-License-Identifier: MIT
"""A real JupyterLab and a real browser, once for the whole suite."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.conftest import skip_or_fail
from tests.ui.lab import Notebook, write_notebook

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "artefacts" / "ui"
START_S = 60
WINDOW = {"width": 1400, "height": 1180}
BROWSER_FLAGS = [
    "--no-sandbox",  # the suite may run as root in a container
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The question whether to show Jupyter news: the only request Lab makes by itself.
NO_NEWS = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
EXPLORERS = {
    "carveout": "hk.workloads.camera_boot(seed=1)",
    "pool": "hk.workloads.mixed_media(seed=1)",
    "sync": "hk.workloads.camera_boot(seed=1)",
}


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """(address, folder of its notebooks) of a JupyterLab that knows no user."""
    home = tmp_path_factory.mktemp("lab")
    work = home / "work"
    work.mkdir()
    process, address = start_lab(home, work)
    yield address, work
    process.terminate()
    process.wait(20)


def explorer_cells(kind):
    return [
        "import heapkit as hk\nhk.notebook.init()",
        f'board = hk.Board.preset("phone-8g")\ntrace = {EXPLORERS[kind]}',
        f"panel = hk.explore.{kind}(trace, board)\npanel",
    ]


def start_lab(home, work):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "config/labconfig").mkdir(parents=True)
    (home / "config/labconfig/page_config.json").write_text(json.dumps(NO_NEWS))
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", "--ServerApp.port_retries=0"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={work}"]
    command += ["--expose-app-in-browser"]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    log = home / "lab.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, env=private(home), stdout=out, stderr=subprocess.STDOUT
        )
    address = f"http://127.0.0.1:{port}"
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(address + "/api/status", timeout=2).close()  # noqa: S310
            return process, address
        time.sleep(0.1)
    process.terminate()
    raise AssertionError(f"Lab did not start in {START_S} s: {log.read_text()}")


def private(home):
    """The environment of a user who has never started Jupyter."""
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "IPYTHONDIR": "ipython",
    }
    return os.environ | {name: str(home / folder) for name, folder in folders.items()}


@pytest.fixture(scope="session")
def window():
    """One page for the suite: Lab takes seconds to load, a notebook does not."""
    # Debian's own: it is in the system's package list, Playwright's is a download.
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not chromium:
        skip_or_fail("no chromium: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=BROWSER_FLAGS
        )
        page = browser.new_page(viewport=WINDOW)
        yield page
        browser.close()


@pytest.fixture(scope="session")
def pictures():
    """Where screenshots are kept."""
    return PICTURES


@pytest.fixture(scope="session")
def open_notebook(window, lab):
    """Opens a new notebook about one explorer and runs it; one at a time."""
    address, folder = lab

    @contextlib.contextmanager
    def open_one(kind):
        path = folder / f"{kind}.ipynb"
        write_notebook(path, explorer_cells(kind))
        notebook = Notebook(window, address, path, PICTURES)
        notebook.run_all()
        notebook.wait_for_picture()
        yield notebook
        notebook.close()

    return open_one


@pytest.fixture(params=sorted(EXPLORERS), scope="module")
def explorer(request, open_notebook):
    """(kind, its notebook, run to the end); shared by the tests of a module."""
    with open_notebook(request.param) as notebook:
        yield request.param, notebook


@pytest.fixture(scope="module")
def carveout(open_notebook):
    with open_notebook("carveout") as notebook:
        yield notebook
