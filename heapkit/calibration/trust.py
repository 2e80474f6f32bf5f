# SPDX-License-Identifier: MIT
"""Why measured times may not be believed, in sentences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from heapkit.calibration.machine import Machine
from heapkit.calibration.samples import Samples
from heapkit.costs import DOUBTED, EMULATED, MEASURED

# The spread, by the MAD, that the middle one of all samples may have: assumed.
NOISY = 0.10


def noise(samples: Sequence[Samples]) -> float:
    """The middle spread of all operations and sizes, as a share of their medians."""
    return float(np.median([s.noise for s in samples])) if samples else 0.0


def why_not(machine: Machine, samples: Sequence[Samples]) -> tuple[str, ...]:
    """Each reason as a sentence; none: the times may be trusted."""
    reasons = [machine.emulated, machine.virtual, machine.slow_clock]
    if machine.page_bytes != 4096:
        reasons.append(
            f"A page has {machine.page_bytes} bytes here, and 4096 in the model."
        )
    if (spread := noise(samples)) > NOISY:
        reasons.append(
            f"The times are noisy: of all operations and sizes half spread by more "
            f"than {spread:.0%} (the limit is {NOISY:.0%})."
        )
    return tuple(reason for reason in reasons if reason)


def status(machine: Machine, samples: Sequence[Samples]) -> str:
    """What constants that are measured so are called."""
    if machine.emulated:
        return EMULATED
    return DOUBTED if why_not(machine, samples) else MEASURED
