# SPDX-License-Identifier: MIT
"""What a calibration found: samples, fits, constants, and whether to believe them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from heapkit.calibration import saving, text, trust
from heapkit.calibration.constants import Claim, claims, why_not_tried
from heapkit.calibration.machine import Machine
from heapkit.calibration.operations import SYNC, terms_of
from heapkit.calibration.regression import Fit, Term, fit
from heapkit.calibration.samples import STATES, Place, Samples, counts_of
from heapkit.costs import Cost, Costs
from heapkit.units import format_ns

if TYPE_CHECKING:
    import pandas as pd

FitKey = tuple[Place, str, str]  # place, operation, state


@dataclass(frozen=True, eq=False)
class Calibration:
    """What operations of this machine took, as samples, terms and constants.

    ``skipped`` says in sentences what could not be measured.
    """

    machine: Machine
    samples: tuple[Samples, ...]
    base: Costs
    skipped: tuple[str, ...] = ()

    @property
    def trusted(self) -> bool:
        """Whether the times may be believed: no emulator, no guest, little noise."""
        return not self.why_not

    @cached_property
    def why_not(self) -> tuple[str, ...]:
        """Why not, in sentences."""
        return trust.why_not(self.machine, self.samples)

    @property
    def noise(self) -> float:
        """The middle spread of all samples, as a share of their medians."""
        return trust.noise(self.samples)

    @property
    def places(self) -> tuple[Place, ...]:
        """Where something was measured."""
        return tuple(dict.fromkeys(s.place for s in self.samples))

    @cached_property
    def fit(self) -> dict[FitKey, Fit]:
        """The terms of every operation: (place, operation, state) → Fit."""
        keys = dict.fromkeys((s.place, s.operation, s.state) for s in self.samples)
        return {key: self._fit(*key) for key in keys}

    def _fit(self, place: Place, operation: str, state: str) -> Fit:
        chosen = self.of(place, operation, state)
        line = self.machine.line_bytes
        counts = [counts_of(place.kind, s.size, line) for s in chosen]
        terms = [t for t in terms_of(operation, place.kind) if t in counts[0]]
        times = [(s.ns - self.machine.reading_ns).clip(min=0) for s in chosen]
        by_term = {t: [c[t] for c in counts] for t in terms}
        return fit(by_term, times, clock_ns=self.machine.clock_ns)

    def of(self, place: Place, operation: str, state: str) -> list[Samples]:
        """The samples of one operation, by size."""
        wanted = (place, operation, state)
        found = [s for s in self.samples if (s.place, s.operation, s.state) == wanted]
        return sorted(found, key=lambda s: s.size)

    @cached_property
    def claims(self) -> dict[str, list[Claim]]:
        """What was made of every constant, the one that is used first."""
        return claims(self._terms, self.base)

    def _terms(self, kind: str, operation: str, name: str) -> list[tuple[str, Term]]:
        """Of fresh memory where there is any; else of what was just given back."""
        found = []
        for place in self.places:
            fits = [self.fit.get((place, operation, state)) for state in STATES]
            terms = [f.term(name) for f in fits if f is not None]
            if place.kind == kind and terms and terms[0] is not None:
                found.append((str(place), terms[0]))
        return found

    @property
    def measured(self) -> dict[str, Claim]:
        """The constants that may be called measured."""
        return {
            name: made[0]
            for name, made in self.claims.items()
            if made and not made[0].why_not
        }

    @cached_property
    def costs(self) -> Costs:
        """The base with what was measured: for ``board.replace({"costs": …})``."""
        costs = self.base
        for cost in self._new_costs():
            costs = costs.replace(
                status=cost.status, source=cost.source, **{cost.name: cost.value}
            )
        return costs

    def _new_costs(self) -> Iterator[Cost]:
        status = trust.status(self.machine, self.samples)
        where = f"{self.machine}, {self.machine.when[:10]}"
        for name, claim in self.measured.items():
            interval = f"95 % interval {claim.low:.4g} to {claim.high:.4g} ns"
            source = f"{claim.how}: {interval}; {where}"
            yield Cost(name, claim.value, self.base[name].unit, source, status)
        told = {
            "line_bytes": (self.machine.line_bytes, "as the CPU says"),
            "cache_bytes": (self.machine.cache_bytes, "the last cache, as Linux says"),
        }
        for name, (value, how) in told.items():
            if value:
                yield Cost(name, value, "bytes", f"{how}; {where}", status)

    def why_unmeasured(self, constant: str) -> str:
        """Why a constant is still the base's; "" if it is not.

        ``ValueError``: no such constant.
        """
        self.base[constant]
        if self.costs[constant].source != self.base[constant].source:
            return ""
        made = self.claims[constant]
        if made:
            return f"{made[0].how}: {made[0].why_not}"
        return why_not_tried(constant)

    def pool_effect(self, place: Place, operation: str) -> dict[int, float]:
        """How long repeated takes, as a share of fresh, by size."""
        fresh = {s.size: s.median for s in self.of(place, operation, "fresh")}
        again = {s.size: s.median for s in self.of(place, operation, "repeated")}
        both = [size for size, ns in fresh.items() if ns and size in again]
        return {size: again[size] / fresh[size] for size in both}

    def to_frame(self) -> pd.DataFrame:
        """A row for each place, operation, state and size; times in ns."""
        import pandas as pd

        return pd.DataFrame(
            {
                "place": str(s.place),
                "operation": s.operation,
                "state": s.state,
                "size": s.size,
                "samples": len(s.ns),
                "least_ns": s.least,
                "median_ns": s.median,
                "mad_ns": s.mad,
                "noise": s.noise,
            }
            for s in self.samples
            if s.operation != SYNC
        )

    @property
    def table(self) -> pd.DataFrame:
        """A row for each term of each fit, with its interval and why it is no claim."""
        import pandas as pd

        return pd.DataFrame(
            {
                "place": str(place),
                "operation": operation,
                "state": state,
                "per": term.name,
                "ns": term.value,
                "low": term.low,
                "high": term.high,
                "misses_by": fitted.rms,
                "why_not": term.why_not,
            }
            for (place, operation, state), fitted in self.fit.items()
            for term in fitted.terms
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all samples and facts as JSON; the fits follow from them."""
        saving.write(path, self.machine, self.samples, self.base, self.skipped)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Calibration:
        """What :meth:`save` wrote; ``FormatError`` for anything else."""
        return cls(*saving.read(path))

    def __repr__(self) -> str:
        believed = "trusted" if self.trusted else "not trusted"
        return (
            f"<Calibration: {len(self.measured)} of {len(self.base)} constants of "
            f"{self.machine}; {believed}, clock {format_ns(self.machine.clock_ns)}>"
        )

    def _repr_html_(self) -> str:
        return text.html_of(self)
