# SPDX-License-Identifier: MIT
"""The live backend against Linux's own heaps: one boot of each kernel, many tests."""

from __future__ import annotations

import pytest

from tests.live.features import expected_reasons
from tests.live.suite import passed

# A junit file that lost tests on its way must not look like success.
AT_LEAST = {
    "stock": {"tests.live.guest.": 95, "tests.contract.": 250},
    "cma": {"tests.live.guest.": 150, "tests.contract.": 310},
}


def test_the_guest_ends_by_itself(guest, report):
    report(f"guest {guest.kernel}: {guest.result.seconds:.0f} s, {len(guest.outcomes)}")
    assert guest.result.status is not None, guest.last_words


def test_every_test_in_the_guest_passes(guest):
    print("\n".join(guest.outcomes))
    bad = {t: o for t, o in guest.outcomes.items() if o.kind not in OK}
    assert not bad, "\n".join(f"{test} {outcome}" for test, outcome in bad.items())
    assert guest.result.status == 0, guest.last_words


OK = ("passed", "skipped")


def test_a_test_is_left_out_only_for_what_the_kernel_lacks(guest):
    skipped = {t: o.message for t, o in guest.outcomes.items() if o.kind == "skipped"}
    allowed = expected_reasons(guest.kernel)
    assert {test: why for test, why in skipped.items() if why not in allowed} == {}


@pytest.mark.parametrize("suite", AT_LEAST["stock"])
def test_no_suite_stayed_behind(guest, suite):
    assert len(list(passed(guest, suite))) >= AT_LEAST[guest.kernel][suite]
