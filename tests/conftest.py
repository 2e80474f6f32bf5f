# SPDX-License-Identifier: MIT
"""What several suites share: the backends, and when a test may be left out."""

import os

import pytest

import heapkit as hk
from heapkit import MiB
from heapkit.backends import live


def skip_or_fail(reason):
    """Leave the test out on this machine, saying why; in CI that is a failure."""
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(f"left out, which CI does not allow: {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(name="skip_or_fail")
def fixture_skip_or_fail():
    return skip_or_fail


# What cannot be in two processes at once: one guest, one build folder, one Lab. Where
# two processes share the tests these come first, the longest first.
TOGETHER = ("tests/live", "tests/native", "tests/ui")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """A file's tests stay in one process, and TOGETHER's."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        # Not groups by mark: xdist 3.8 renames tests for it, which pytest 9.2 ignores.
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return Together(config, log)


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank_of(group_of(item.nodeid)))


def group_of(nodeid):
    path = nodeid.partition("::")[0]
    return next((suite for suite in TOGETHER if path.startswith(f"{suite}/")), path)


def rank_of(group):
    return TOGETHER.index(group) if group in TOGETHER else len(TOGETHER)


FIGURE = "figure"


@pytest.fixture
def report(record_property):
    """Say a measured figure: it is printed when all tests have run."""
    return lambda line: record_property(FIGURE, line)


def pytest_terminal_summary(terminalreporter):
    for reports in terminalreporter.stats.values():
        for done in reports:
            for name, line in getattr(done, "user_properties", ()):
                if name == FIGURE and done.when == "call":
                    terminalreporter.write_line(line)


def backends():
    """A kernel's heaps in our own guest, and there alone; the simulation elsewhere.

    An emulator takes its time for each test, if only to leave it out.
    """
    guest = os.environ.get("HEAPKIT_LIVE_GUEST") == "1"
    return ("live",) if guest and live.missing() is None else ("sim",)


@pytest.fixture
def bench():
    """A board with one heap of each kind and little memory."""
    return hk.Board(
        name="bench",
        memory=hk.Memory(total=256 * MiB, base=0x8000_0000),
        heaps=(
            hk.SystemHeap(),
            hk.SystemHeap(name="system-pooled", pool=hk.PagePool()),
            hk.CmaHeap(size=16 * MiB),
            hk.CarveoutHeap(name="camera", size=16 * MiB, base=0x1_0000_0000),
            hk.ChunkHeap(name="video", size=8 * MiB),
            hk.SecureHeap(name="protected,secure-video", size=8 * MiB),
        ),
    )


@pytest.fixture
def sim(bench):
    with hk.simulate(bench) as heaps:
        yield heaps
        if not heaps._machine.closed:
            heaps.check()


@pytest.fixture(params=backends())
def heaps(request):
    """The heaps of each backend of this machine."""
    if request.param == "sim":
        yield request.getfixturevalue("sim")
    else:
        with hk.live() as heaps:
            yield heaps


@pytest.fixture
def heap(heaps):
    """The one heap that every backend has."""
    return heaps["system"]


@pytest.fixture
def buffer(heap):
    with heap.allocate(1 * MiB) as buffer:
        yield buffer
