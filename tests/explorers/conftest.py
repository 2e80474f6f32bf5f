# SPDX-License-Identifier: MIT
"""Explorers without a browser: ipywidgets work without a kernel, silently."""

import pytest

import heapkit as hk


@pytest.fixture(scope="session")
def board():
    return hk.Board.preset("phone-8g")


@pytest.fixture(scope="session")
def trace():
    return hk.workloads.mixed_media(seed=1, events=4000)


@pytest.fixture
def carveout(trace, board):
    panel = hk.explore.carveout(trace, board)
    yield panel
    panel.close()


@pytest.fixture
def pool(trace, board):
    panel = hk.explore.pool(trace, board)
    yield panel
    panel.close()


@pytest.fixture
def sync(trace, board):
    panel = hk.explore.sync(trace, board)
    yield panel
    panel.close()


@pytest.fixture(params=["carveout", "pool", "sync"])
def panel(request):
    return request.getfixturevalue(request.param)
