# SPDX-License-Identifier: MIT
"""How large must it be? A sweep over boards, and the smallest one that will do.

Every setting is replayed with every trace, on threads: the core drops the GIL.
The spread over the traces is the uncertainty of the answer; it covers the
workload's randomness only, not the model's error.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import EllipsisType
from typing import Any

import numpy as np

from heapkit import metrics
from heapkit._ffi import PAGE_SIZE
from heapkit.arguments import wrong
from heapkit.board import Board
from heapkit.pace import SHOW_PROGRESS_AFTER_S
from heapkit.recommendation import Recommendation, Target, Trial
from heapkit.replay import replay
from heapkit.run import Run
from heapkit.trace import Trace
from heapkit.units import MiB

__all__ = ["Recommendation", "Target", "Trial", "size"]

Workload = Callable[..., Trace]
Traces = Trace | Sequence[Trace] | Workload
Choices = Iterable[Any] | EllipsisType

#: ``vary={"camera.size": ...}`` tries this many sizes between a quarter of the
#: board's and twice it (assumed to bracket the answer).
ELLIPSIS_STEPS = 15
DEFAULT_SEEDS = (1, 2, 3, 4, 5)


def size(
    trace: Traces,
    board: Board,
    *,
    vary: Mapping[str, Choices],
    target: Target | Mapping[str, Any] | float | EllipsisType = ...,
    seeds: Iterable[int] = DEFAULT_SEEDS,
    threads: int | None = None,
    progress: bool | None = None,
) -> Recommendation:
    """The smallest setting of ``vary`` that meets ``target`` on every trace.

    ``trace``: a trace, several, or a workload (``hk.workloads.camera_boot``), which
    is then called with every seed of ``seeds``. ``vary`` maps names that
    ``Board.replace`` knows ("camera.size", "system-pooled.pool.fill") of one heap
    to the values to try, or to ``...`` for a range around the board's own. Numbers
    are tried in ascending order; several names are tried in all combinations,
    ordered by their sum. ``target``: a Target, its arguments as a dict, a failure
    rate, or ``...`` for no failure at all. ``threads``: None for one per CPU.
    ``progress``: None shows a bar once the sweep has taken a second.

    The answer is exact for the values tried: refine by calling again with a
    narrower range. ``ValueError`` names what is wrong with an argument.
    """
    goal = _target(target)
    heap, settings = _settings(board, vary)
    traces = _traces(trace, seeds)
    boards = [(setting, board.replace(setting)) for setting in settings]
    jobs = [(*candidate, i) for candidate in boards for i in range(len(traces))]

    def run(job: tuple[dict[str, Any], Board, int]) -> Trial:
        setting, candidate, index = job
        result = replay(traces[index], candidate, gauges=False, progress=False)
        return _trial(result, heap, setting, index)

    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        trials = tuple(
            _with_progress(pool.map(run, jobs), total=len(jobs), progress=progress)
        )
    return Recommendation(board, goal, heap, settings, trials, len(traces))


def _target(target: Target | Mapping[str, Any] | float | EllipsisType) -> Target:
    if isinstance(target, EllipsisType):
        return Target()
    if isinstance(target, Target):
        return target
    if isinstance(target, Mapping):
        unknown = set(target) - {"failure_rate", "p99_ns"}
        if unknown:
            raise ValueError(
                f"target has {sorted(unknown)}: only failure_rate and p99_ns are known"
            )
        return Target(**target)
    if isinstance(target, bool) or not isinstance(target, (int, float, np.number)):
        allowed = "a Target, its arguments as a dict, or a failure rate"
        raise wrong("size", "target", target, allowed)
    return Target(failure_rate=float(target))


def _settings(
    board: Board, vary: Mapping[str, Choices]
) -> tuple[str, tuple[dict[str, Any], ...]]:
    if not isinstance(vary, Mapping):
        raise wrong("size", "vary", vary, "a dict such as {'camera.size': ...}")
    if not vary:
        raise ValueError("vary={}: name what to vary, as in {'camera.size': ...}")
    heaps = {_heap_of(board, name) for name in vary}
    if len(heaps) > 1:
        raise ValueError(
            f"vary names several heaps, {sorted(heaps)}: size one at a time"
        )
    columns = [_choices(board, name, values) for name, values in vary.items()]
    grid = [dict(zip(vary, row, strict=True)) for row in itertools.product(*columns)]
    if all(isinstance(v, int | float) for s in grid for v in s.values()):
        grid.sort(key=lambda s: (sum(s.values()), tuple(s.values())))
    return heaps.pop(), tuple(grid)


def _choices(board: Board, name: str, values: Choices) -> list[Any]:
    if isinstance(values, EllipsisType):
        now = board.value(name)
        if not isinstance(now, int) or isinstance(now, bool) or now < 4 * PAGE_SIZE:
            raise ValueError(f"vary={{{name!r}: ...}}: is {now!r}, so list the values")
        unit = MiB if now >= 16 * MiB else PAGE_SIZE
        steps = np.geomspace(now / 4, now * 2, ELLIPSIS_STEPS) // unit
        return sorted({int(s) * unit for s in steps})
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise wrong("size", f"vary[{name!r}]", values, "the values to try, or ...")
    chosen = list(values)
    if not chosen:
        raise ValueError(f"vary={{{name!r}: []}}: list at least one value")
    return chosen


def _heap_of(board: Board, name: str) -> str:
    board.value(name)  # raises for an unknown name
    heaps = [h for h in board.heap_names if name.startswith(h + ".")]
    if not heaps:
        raise ValueError(f"vary names {name!r}: only what a heap has can be sized")
    return max(heaps, key=len)


def _traces(trace: Traces, seeds: Iterable[int]) -> list[Trace]:
    if isinstance(trace, Trace):
        return [trace]
    if callable(trace):
        traces = [trace(seed=s) for s in seeds]
    else:
        traces = list(trace) if isinstance(trace, Iterable) else []
    if not traces or not all(isinstance(t, Trace) for t in traces):
        raise ValueError(
            f"trace={trace!r}: must be a Trace, several, or a workload with seeds"
        )
    return traces


def _trial(run: Run, heap: str, setting: dict[str, Any], index: int) -> Trial:
    """What ``heap`` made of the allocations that reached it."""
    reached = metrics.tried(run, heap)
    refused = int(np.count_nonzero(metrics.refused(run, heap)))
    latency = run["latency_ns"][reached]
    p50, p99 = np.percentile(latency, (50, 99)) if len(latency) else (0.0, 0.0)
    return Trial(setting, index, len(latency), refused, float(p50), float(p99))


def _with_progress(
    trials: Iterable[Trial], *, total: int, progress: bool | None
) -> Iterable[Trial]:
    if progress is False:
        return trials
    from tqdm import tqdm

    delay = 0 if progress else SHOW_PROGRESS_AFTER_S
    bar: Iterable[Trial] = tqdm(
        trials, total=total, unit="replay", desc="size", delay=delay
    )
    return bar
