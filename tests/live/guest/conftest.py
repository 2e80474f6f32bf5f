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

NOTEBOOKS = Path(__file__).resolve().parents[3] / "notebooks"


def live_notebooks():
    found = sorted(NOTEBOOKS.glob("*.ipynb"))
    return [path for path in found if "hk.live(" in path.read_text()]


collect_ignore_glob = ["test_*.py"] if live.missing() else []
collect_ignore = []
if "HEAPKIT_LIVE_GUEST" not in os.environ:
    collect_ignore += ["test_oom_killer.py"]
if not live_notebooks():
    collect_ignore += ["test_notebooks.py"]


def pytest_generate_tests(metafunc):
    if "heap_name" in metafunc.fixturenames:
        with live.live() as heaps:
            metafunc.parametrize("heap_name", list(heaps))
    if "live_notebook" in metafunc.fixturenames:
        found = live_notebooks()
        metafunc.parametrize("live_notebook", found, ids=[p.stem for p in found])


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
