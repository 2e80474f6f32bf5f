# SPDX-License-Identifier: MIT
"""What a kernel answered to ten thousand random requests, and the simulated heap.

The seeds are fresh in each run and printed. To repeat one, set HEAPKIT_FIDELITY_SEED;
HEAPKIT_FIDELITY_REQUESTS is how many. See docs/fidelity.md for what is compared.
"""

from __future__ import annotations

import pytest

from tests.live.fidelity import cma, cma_recording, system, system_recording

# A run in which memory was hardly ever short would have compared little.
LEAST_DROPS = 0.01  # of what was allocated among holes


def held_to(done, recording, report):
    report(str(done))
    assert not done.mismatches, done.verdict()
    assert done.requests == recording.requests


@pytest.mark.parametrize("guest", ["cma"], indirect=True)
def test_a_simulated_cma_heap_answers_as_the_kernels_did(guest, report):
    recording = cma_recording.read(guest.output / "fidelity/cma.txt")
    done = cma.compare(recording, cma.board(recording))
    if recording.busy:
        report(f"{recording.busy} places were busy: somebody's pages could not move")
    held_to(done, recording, report)
    assert {"ENOMEM", "EINVAL", "allocated", "freed"} <= set(done.answers)


def test_a_simulated_system_heap_answers_as_the_kernels_did(guest, report):
    recording = system_recording.read(guest.output / "fidelity/system.txt")
    done = system.compare(recording)
    held_to(done, recording, report)
    among_holes = [a for a in recording if a.part.period and a.attempts]
    short = [a for a in among_holes if not all(ok for _, ok in a.attempts)]
    report(f"{len(short)} of {len(among_holes)} found a block of no size they wanted")
    assert len(short) > LEAST_DROPS * len(among_holes)
