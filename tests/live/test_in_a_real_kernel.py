# SPDX-License-Identifier: MIT
"""The live backend against Linux's own heaps: one boot, many tests."""

from __future__ import annotations

import sys
from xml.etree import ElementTree as ET

import pytest

from tests.conftest import skip_or_fail
from tests.live import rig

# A junit file that lost tests on its way must not look like success.
AT_LEAST = {"tests.live.guest.": 50, "tests.contract.": 80}

# -k live leaves out the contract's tests of the simulation, which run here anyway.
# The plugins for notebooks and browsers take seconds to import in an emulator.
PYTEST = [
    *(sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider"),
    *("-p", "no:nbmake", "-p", "no:playwright", "-p", "no:base_url"),
    *("-o", "addopts=--import-mode=importlib", "--junitxml=/mnt/junit.xml"),
]


@pytest.fixture(scope="module")
def guest(tmp_path_factory):
    if reason := rig.missing():
        skip_or_fail(reason)
    try:
        rig.kernel()
    except rig.RigError as error:
        skip_or_fail(str(error))
    command = [*PYTEST, "tests/contract", "tests/live/guest", "-k", "live"]
    return rig.run(command, tmp_path_factory.mktemp("guest"))


@pytest.fixture(scope="module")
def outcomes(guest):
    """Of each test that ran in the guest: "passed", or what went wrong."""
    report = guest.output / "junit.xml"
    assert report.exists(), guest.console[-4000:]
    cases = ET.parse(report).iter("testcase")  # noqa: S314 -- our guest wrote it
    return {f"{c.get('classname')}::{c.get('name')}": outcome(c) for c in cases}


def outcome(case):
    for child in case:
        if child.tag in ("failure", "error", "skipped"):
            return f"{child.tag}: {child.get('message')}\n{child.text or ''}"
    return "passed"


def test_the_guest_ends_by_itself(guest):
    print(f"{guest.seconds:.1f} s from power-on to power-off")
    assert guest.status is not None, guest.console[-4000:]


def test_every_test_in_the_guest_passes(guest, outcomes):
    print("\n".join(outcomes))
    others = {test: what for test, what in outcomes.items() if what != "passed"}
    assert not others, "\n".join(f"{test} {what}" for test, what in others.items())
    assert guest.status == 0, guest.console[-4000:]


@pytest.mark.parametrize("suite", AT_LEAST)
def test_no_suite_stayed_behind(outcomes, suite):
    ran = [test for test in outcomes if test.startswith(suite)]
    assert len(ran) >= AT_LEAST[suite]
