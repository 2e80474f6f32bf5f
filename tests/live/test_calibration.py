# SPDX-License-Identifier: MIT
"""What a guest measured, read on this machine: nobody believes it."""

import heapkit as hk
from heapkit.costs import DOUBTED, EMULATED
from heapkit.show import figure_of


def test_a_guests_calibration_is_read_here_with_its_doubts(guest):
    found = hk.Calibration.read(guest.output / "calibration.json")
    assert not found.trusted
    names = {place.name for place in found.places}
    assert "system" in names
    assert ("reserved" in names) == (guest.kernel == "cma")
    statuses = {cost.status for cost in found.costs.values()}
    assert statuses & {EMULATED, DOUBTED}
    assert "measured here" not in statuses
    assert figure_of(found).children
