# SPDX-License-Identifier: MIT
"""A machine that nobody doubts, and what it would have taken."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.calibration import Calibration, Machine, Place, Samples
from heapkit.calibration.measuring import LINE_BLOCKS, with_a_page_less
from heapkit.calibration.samples import counts_of

MACHINE = Machine(
    cpu="Cortex-A76",
    cpus=4,
    kernel="6.12.1",
    arch="aarch64",
    page_bytes=4096,
    line_bytes=64,
    cache_bytes=2 * MiB,
    hypervisor="",
    vendor="raspberrypi,5-model-b",
    governor="performance",
    turbo="",
    smt="",
    load=0.1,
    clock_ns=20.0,
    when="2026-01-02T03:04:05+00:00",
)
SIZES = (4 * KiB, 64 * KiB, 1 * MiB, 8 * MiB, 32 * MiB)
SYSTEM, CMA = Place("system", "system"), Place("reserved", "cma")
AREA = Place("area", "area")
# ns of each term of each operation.
TRUE = {
    (SYSTEM, "allocate"): {"call": 4000, "page": 350, "entry": 240},
    (SYSTEM, "free"): {"call": 2500, "page": 20, "entry": 150},
    (SYSTEM, "mmap"): {"call": 1500, "page": 15, "entry": 600},
    (SYSTEM, "sync"): {"call": 320, "page": 0},
    (CMA, "allocate"): {"call": 84_000, "page": 700},
    (CMA, "first touch"): {"call": 100, "page": 450},
    (AREA, "write back clean lines"): {"call": 200, "line": 3},
    (AREA, "write back dirty lines"): {"call": 200, "line": 8},
    (AREA, "flush clean lines"): {"call": 200, "line": 4},
    (AREA, "read"): {"call": 50, "line": 4.5},
}


def samples_of(place, operation, true, *, noise=0.01, state="fresh", factor=1.0):
    sizes = {"system": with_a_page_less(SIZES), "area": LINE_BLOCKS}
    rng = np.random.default_rng([len(operation), len(state)])
    for size in sizes.get(place.kind, SIZES):
        counts = counts_of(place.kind, size, 64)
        ideal = factor * sum(ns * counts[term] for term, ns in true.items())
        drawn = ideal * rng.normal(1, noise, 24) + MACHINE.clock_ns
        yield Samples(place, operation, state, size, np.rint(drawn).astype(np.int64))


def zeroing(noise=0.01):
    rng = np.random.default_rng(3)
    for block, name, ns in (
        (4 * KiB, "4 KiB", 300),
        (64 * KiB, "64 KiB", 250),
        (1 * MiB, "1 MiB", 220),
    ):
        drawn = ns * block / 4096 * rng.normal(1, noise, 24)
        yield Samples(AREA, f"zero by {name}", "fresh", block, drawn.astype(np.int64))


@pytest.fixture
def calibrated():
    """A function that makes a calibration of a machine with some facts changed."""

    def make(*, noise=0.01, keep=lambda place: True, **facts):
        samples = [
            s
            for (place, operation), true in TRUE.items()
            for s in samples_of(place, operation, true, noise=noise)
        ]
        samples += zeroing(noise)
        samples += samples_of(
            SYSTEM, "allocate", TRUE[SYSTEM, "allocate"], state="repeated", factor=0.6
        )
        kept = tuple(s for s in samples if keep(s.place))
        machine = dataclasses.replace(MACHINE, **facts)
        return Calibration(machine, kept, hk.Costs.default())

    return make


@pytest.fixture(scope="session")
def open_files():
    """A function that lists the descriptors of this process."""

    def listed():
        return sorted(path.name for path in Path("/proc/self/fd").iterdir())

    return listed
