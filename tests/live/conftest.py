# SPDX-License-Identifier: MIT
"""The guests of a session, as fixtures for tests of what ran in them.

They are started when the tests have been collected and run beside the others on the
second processor; tests/live comes last and finds them ended. In a guest, where this
file is loaded too, no test asks for them and nothing is started.
"""

from __future__ import annotations

import pytest

from tests.conftest import skip_or_fail
from tests.live import kernels

GUESTS = pytest.StashKey()
LONGEST = 1800  # seconds for a test that waits for a guest, which has its own limit


def pytest_collection_modifyitems(items):
    for item in items:
        if "guests" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(LONGEST))


def pytest_collection_finish(session):
    asked = any("guests" in getattr(i, "fixturenames", ()) for i in session.items)
    if asked and not session.config.option.collectonly:
        from tests.live.suite import Guests

        session.config.stash[GUESTS] = Guests()
        session.config.stash[GUESTS].start()


def pytest_unconfigure(config):
    if guests := config.stash.get(GUESTS, None):
        guests.end()


@pytest.fixture(scope="session")
def guests(pytestconfig):
    """The kernels that were booted, and what the suites left behind on each."""
    return pytestconfig.stash[GUESTS]


@pytest.fixture(scope="session", params=kernels.NAMES)
def guest(guests, request):
    """Of each kernel; of one: ``parametrize("guest", ["cma"], indirect=True)``."""
    if reason := guests.refusal(request.param):
        skip_or_fail(reason)
    return guests.visit(request.param)
