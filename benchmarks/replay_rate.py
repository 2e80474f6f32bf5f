# SPDX-License-Identifier: MIT
"""How fast a trace is replayed, what gauges cost, and what a second thread gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import heapkit as hk

# About half a million events each: long enough that the call itself does not count.
WORKLOADS: dict[str, Callable[[], hk.Trace]] = {
    "camera_boot": lambda: hk.workloads.camera_boot(seed=1, launches=1000),
    "video_playback": lambda: hk.workloads.video_playback(seed=1, seconds=3600),
    "mixed_media": lambda: hk.workloads.mixed_media(seed=1, events=500_000),
    "small_churn": lambda: hk.workloads.small_churn(seed=1, events=500_000),
}
PRESET = "phone-8g"
THREADS = 2


@dataclass(frozen=True)
class Rate:
    """One workload: events per second, and two ratios that another machine shares."""

    workload: str
    events: int
    events_per_second: float
    gauges_on_over_off: float
    threads_over_serial: float


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def best_of(rounds: int, *works: Callable[[], object]) -> list[float]:
    """The shortest time of each, taken in turns so that a slow spell hits them all."""
    times = [[seconds(work) for work in works] for _ in range(rounds)]
    return [min(column) for column in zip(*times, strict=True)]


def measure(workload: str, rounds: int) -> Rate:
    """Replay one workload with gauges, without, one after another and on threads."""
    trace, board = WORKLOADS[workload](), hk.Board.preset(PRESET)

    def replay(gauges: bool = True) -> hk.Run:  # noqa: FBT001, FBT002 -- map's argument
        return hk.replay(trace, board, gauges=gauges, progress=False)

    with ThreadPoolExecutor(THREADS) as pool:
        on, off, serial, threads = best_of(
            rounds,
            replay,
            lambda: replay(False),  # noqa: FBT003
            lambda: [replay() for _ in range(THREADS)],
            lambda: list(pool.map(replay, [True] * THREADS)),
        )
    return Rate(workload, len(trace), len(trace) / on, on / off, serial / threads)


def table(rates: list[Rate]) -> str:
    """The rates as lines for a terminal."""
    head = (
        f"{'workload':<16}{'events':>9}{'Mevents/s':>11}{'gauges':>9}{'2 threads':>11}"
    )
    lines = [
        f"{rate.workload:<16}{rate.events:>9}{rate.events_per_second / 1e6:>11.2f}"
        f"{rate.gauges_on_over_off:>8.2f}x{rate.threads_over_serial:>10.2f}x"
        for rate in rates
    ]
    foot = (
        "gauges: time with gauges over time without.\n"
        "2 threads: time of two replays in turn over their time on two threads."
    )
    return "\n".join([head, *lines, foot])
