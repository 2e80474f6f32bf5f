# SPDX-License-Identifier: MIT
"""Tests of a running kernel. Without heaps there is nothing to collect here.

tests/live/test_in_a_real_kernel.py boots one and runs them; on a device that has
/dev/dma_heap they run as they are.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heapkit.backends import live
from tests.live import features

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"
# In our own guest a kernel without heaps is a failure.
GUEST = "HEAPKIT_LIVE_GUEST" in os.environ


def live_notebooks():
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    return [path for path in found if "hk.live(" in path.read_text()]


collect_ignore_glob = ["test_*.py"] if live.missing() and not GUEST else []
# The one wakes the OOM killer, the other fills the memory.
collect_ignore = [] if GUEST else ["test_oom_killer.py", "test_fidelity.py"]
if not live_notebooks():
    collect_ignore += ["test_notebooks.py"]


def on_one_kernel(notebook):
    """One notebook runs on every kernel; an emulator takes a minute for each other."""
    everywhere = not GUEST or notebook == live_notebooks()[0]
    marks = () if everywhere else pytest.mark.needs("a CMA heap")
    return pytest.param(notebook, marks=marks)


def pytest_configure(config):
    config.addinivalue_line("markers", "needs(feature): one of tests/live/features.py")


def pytest_generate_tests(metafunc):
    if "heap_name" in metafunc.fixturenames:
        with live.live() as heaps:
            metafunc.parametrize("heap_name", list(heaps))
    if "live_notebook" in metafunc.fixturenames:
        found = live_notebooks()
        ids = [path.stem for path in found]
        metafunc.parametrize(
            "live_notebook", [on_one_kernel(one) for one in found], ids=ids
        )


def pytest_collection_modifyitems(items):
    """The OOM killer comes last: it may take more than it should."""
    items.sort(key=lambda item: "test_oom_killer" in item.nodeid)


def pytest_runtest_setup(item):
    for mark in item.iter_markers("needs"):
        (feature,) = mark.args
        if not features.PROBES[feature]():
            pytest.skip(features.reason(feature))


@pytest.fixture(scope="session")
def guest_output(tmp_path_factory):
    """Where a test leaves files for the host's tests of the same visit."""
    output = os.environ.get("HEAPKIT_GUEST_OUTPUT")
    return Path(output) if output else tmp_path_factory.mktemp("output")


@pytest.fixture
def heaps():
    with live.live() as heaps:
        yield heaps


@pytest.fixture
def heap(heaps, heap_name):
    return heaps[heap_name]


@pytest.fixture
def buffer(heap):
    with heap.allocate(124 * 1024) as buffer:
        yield buffer
