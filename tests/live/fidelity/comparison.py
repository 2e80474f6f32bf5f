# SPDX-License-Identifier: MIT
"""What a kernel and a model were asked, and where their answers differ."""

from __future__ import annotations

import errno
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.live.fidelity.sequences import Request

# Mismatches: those that are shown, and so many that the rest is not looked at. Most
# follow from the first.
SHOWN = 10
ENOUGH = 100


class Mismatch(NamedTuple):
    """One answer in two versions. ``number`` is the request's, from 0."""

    number: int
    request: Request
    what: str
    kernel: object
    model: object

    def __str__(self) -> str:
        asked = "free" if self.request.size is None else f"{self.request.size} bytes"
        return (
            f"request {self.number}, buffer {self.request.buffer}, {asked}: "
            f"{self.what}: kernel {self.kernel}, model {self.model}"
        )


@dataclass
class Comparison:
    """Of one recording. ``answers`` counts what the kernel said."""

    heap: str
    kernel: str
    seed: int
    answers: Counter[str] = field(default_factory=Counter)
    mismatches: list[Mismatch] = field(default_factory=list)

    def count(self, request: Request, error: int) -> None:
        """One more answer of the kernel."""
        given = "freed" if request.size is None else "allocated"
        self.answers[errno.errorcode[error] if error else given] += 1

    def expect(
        self, number: int, request: Request, what: str, kernel: object, model: object
    ) -> None:
        """The two have to be the same."""
        if kernel != model:
            self.mismatches.append(Mismatch(number, request, what, kernel, model))

    @property
    def lost(self) -> bool:
        """Whether there is no use in going on."""
        return len(self.mismatches) >= ENOUGH

    @property
    def requests(self) -> int:
        """How many were compared."""
        return self.answers.total()

    def __str__(self) -> str:
        counts = ", ".join(f"{n} {what}" for what, n in sorted(self.answers.items()))
        return (
            f"{self.heap} on Linux {self.kernel}: {self.requests} requests ({counts}), "
            f"{len(self.mismatches)} mismatches, seed {self.seed}"
        )

    def verdict(self) -> str:
        """The counts, and the first mismatches with what repeats them."""
        first = "\n".join(map(str, self.mismatches[:SHOWN]))
        return f"{self}\nagain with HEAPKIT_FIDELITY_SEED={self.seed}\n{first}"
