# SPDX-License-Identifier: MIT
"""Allocations that fail because somebody asked for it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from heapkit import arguments

# An int is which allocation of the heap fails, from 1; a float is the share of them.
Fault: TypeAlias = int | float


class Faults:
    """Says for each allocation of a heap whether it is to fail with ENOMEM.

    ``wanted`` has for a heap the number of an allocation, from 1 on, a share of
    them between 0 and 1, or several of these. ``seed`` decides which make the share.
    """

    def __init__(
        self,
        heaps: Sequence[str],
        wanted: Mapping[str, Fault | Sequence[Fault]],
        seed: int,
    ) -> None:
        seed = arguments.integer("run", "seed", seed, high=arguments.U64_MAX)
        self._numbers: dict[str, set[int]] = {}
        self._shares: dict[str, list[float]] = {}
        for heap, faults in wanted.items():
            arguments.choice("run", "fail", heap, tuple(heaps))
            for fault in faults if isinstance(faults, Sequence) else (faults,):
                self._add(heap, fault)
        self._seen: Counter[str] = Counter()
        self._chance = {heap: random.Random(f"{seed} {heap}") for heap in heaps}  # noqa: S311 - no secret

    def _add(self, heap: str, fault: Any) -> None:
        if isinstance(fault, int) and not isinstance(fault, bool) and fault >= 1:
            self._numbers.setdefault(heap, set()).add(fault)
        elif isinstance(fault, float) and 0 <= fault <= 1:
            self._shares.setdefault(heap, []).append(fault)
        else:
            allowed = "the number of an allocation from 1 on, or a share such as 0.05"
            raise arguments.wrong("run", f"fail[{heap!r}]", fault, allowed)

    def refuse(self, heap: str) -> bool:
        """Whether the next allocation of ``heap`` fails."""
        self._seen[heap] += 1
        drawn = [
            self._chance[heap].random() < share for share in self._shares.get(heap, ())
        ]
        return self._seen[heap] in self._numbers.get(heap, ()) or any(drawn)
