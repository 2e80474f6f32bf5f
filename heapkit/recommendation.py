# SPDX-License-Identifier: MIT
"""What a sweep says: every trial, and the smallest setting that will do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapkit import reserved_memory
from heapkit._ffi import PAGE_SIZE
from heapkit.board import Board
from heapkit.units import format_bytes, format_ns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is good enough.

    ``failure_rate``: the largest share of the requests that reach the heap which
    it may refuse (a request that then falls back counts as refused).
    ``p99_ns``: the largest 99th percentile of their latency, in nanoseconds; None
    for any.
    """

    failure_rate: float = 0.0
    p99_ns: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.failure_rate <= 1:
            raise ValueError(f"failure_rate={self.failure_rate!r}: must be from 0 to 1")
        if self.p99_ns is not None and not self.p99_ns > 0:
            raise ValueError(f"p99_ns={self.p99_ns!r}: must be more than 0, or None")

    def __str__(self) -> str:
        latency = "" if self.p99_ns is None else f" and p99 ≤ {format_ns(self.p99_ns)}"
        if self.failure_rate == 0:
            return f"0 requests refused{latency}"
        return f"at most {self.failure_rate:.3%} refused{latency}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting on one trace. Latencies are nanoseconds."""

    setting: dict[str, Any]
    trace: int
    requests: int
    refused: int
    p50_ns: float
    p99_ns: float

    @property
    def failure_rate(self) -> float:
        """Share of the requests that reached the heap and were refused."""
        return self.refused / self.requests if self.requests else 0.0

    def meets(self, target: Target) -> bool:
        """Whether this trial is good enough."""
        fast = target.p99_ns is None or self.p99_ns <= target.p99_ns
        return fast and self.failure_rate <= target.failure_rate


@dataclass(frozen=True)
class Recommendation:
    """The smallest setting that met the target on every trace, and all trials.

    ``setting`` is None when none did. ``trials`` are in the order of the settings
    tried, then of the traces.
    """

    board: Board
    target: Target
    heap: str
    settings: tuple[dict[str, Any], ...]
    trials: tuple[Trial, ...]
    n_traces: int

    @property
    def setting(self) -> dict[str, Any] | None:
        """The smallest setting that meets the target on every trace, or None."""
        return self._smallest(range(self.n_traces))

    @property
    def value(self) -> Any:
        """``setting``'s value where one thing was varied; None if nothing met it."""
        setting = self.setting
        if setting is not None and len(setting) > 1:
            raise ValueError(f"several things were varied, read .setting: {setting}")
        return None if setting is None else next(iter(setting.values()))

    @property
    def interval(self) -> tuple[Any, Any]:
        """The smallest and the largest answer that a single trace gave.

        None stands for a trace that no setting satisfied.
        """
        single = [self._smallest([t]) for t in range(self.n_traces)]
        ranks = [
            len(self.settings) if s is None else self.settings.index(s) for s in single
        ]
        return self._answer(min(ranks)), self._answer(max(ranks))

    def _answer(self, rank: int) -> Any:
        """A setting, or its value where one thing was varied; None past the last."""
        if rank == len(self.settings):
            return None
        setting = self.settings[rank]
        return next(iter(setting.values())) if len(setting) == 1 else setting

    def recommended_board(self) -> Board:
        """The board with the recommended setting; ``ValueError`` if there is none."""
        if self.setting is None:
            raise ValueError(f"no setting tried gives {self.target}: widen vary")
        return self.board.replace(self.setting)

    def to_devicetree(self) -> str:
        """The ``/reserved-memory`` node to paste (see heapkit.reserved_memory)."""
        return reserved_memory.devicetree_node(self.recommended_board(), self.heap)

    def to_cmdline(self) -> str:
        """The kernel command line to paste: CMA areas only."""
        return reserved_memory.command_line(self.recommended_board(), self.heap)

    def to_frame(self) -> pd.DataFrame:
        """One row per trial: the varied names, its trace, its counts and latencies."""
        import pandas as pd

        return pd.DataFrame(
            {
                **t.setting,
                "trace": t.trace,
                "requests": t.requests,
                "refused": t.refused,
                "failure_rate": t.failure_rate,
                "p50_ns": t.p50_ns,
                "p99_ns": t.p99_ns,
            }
            for t in self.trials
        )

    def __str__(self) -> str:
        names = " and ".join(self.settings[0])
        if self.setting is None:
            return (
                f"No {names} tried gives {self.target} on all {self.n_traces} traces "
                f"(largest tried: {shown(self.settings[-1])})."
            )
        low, high = self.interval
        return (
            f"{shown(self.setting)} is the smallest {names} tried that gives "
            f"{self.target} on all {self.n_traces} traces.\n"
            f"Single traces ask for {_shown_value(low)} to {_shown_value(high)}."
        )

    def _smallest(self, traces: Iterable[int]) -> dict[str, Any] | None:
        wanted = set(traces)
        for rank, setting in enumerate(self.settings):
            first = rank * self.n_traces
            trials = self.trials[first : first + self.n_traces]
            if all(t.meets(self.target) for t in trials if t.trace in wanted):
                return setting
        return None


def shown(setting: dict[str, Any]) -> str:
    """``camera.size = 64 MiB``."""
    return ", ".join(f"{k} = {_shown_value(v)}" for k, v in setting.items())


def _shown_value(value: Any) -> str:
    if value is None:
        return "more than was tried"
    if isinstance(value, int) and not isinstance(value, bool) and value >= PAGE_SIZE:
        return format_bytes(value)
    return str(value)
