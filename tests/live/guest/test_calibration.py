# SPDX-License-Identifier: MIT
"""Calibration of real heaps: what is measured and left behind, and what is believed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.calibration.measuring import Matrix, measure
from heapkit.calibration.samples import Place, kind_of
from heapkit.costs import DOUBTED, EMULATED

SIZES = (4 * KiB, 64 * KiB, 256 * KiB)
BOUND = 4 * MiB
STEPS = {"allocate", "mmap", "first touch", "second touch", "munmap", "free"}
SYNC = {f"sync {e} {a}" for e in ("start", "end") for a in ("read", "write")}
BUFINFO = Path("/sys/kernel/debug/dma_buf/bufinfo")


def left_behind():
    """The descriptors of this process, and the kernel's count of its buffers."""
    files = sorted(path.name for path in Path("/proc/self/fd").iterdir())
    return files, BUFINFO.read_text().splitlines()[-1] if BUFINFO.exists() else ""


@pytest.fixture(scope="module")
def found(guest_output):
    with hk.live() as heaps:
        before = left_behind()
        calibrated = hk.calibrate(
            heaps, sizes=SIZES, rounds=3, max_bytes=BOUND, progress=False
        )
        assert left_behind() == before
    calibrated.save(guest_output / "calibration.json")
    return calibrated


def test_every_step_of_every_heap_is_timed(found, heap_name):
    (place,) = [p for p in found.places if p.name == heap_name]
    timed = {(operation, state) for p, operation, state in found.fit if p == place}
    for state in ("fresh", "repeated"):
        assert {o for o, s in timed if s == state} == STEPS | SYNC | {"sync"}


def test_nothing_is_left_out(found):
    assert found.skipped == ()


@pytest.mark.skipif("HEAPKIT_LIVE_GUEST" not in os.environ, reason="a real device")
def test_what_an_emulator_takes_is_not_believed(found):
    assert found.machine.emulated or found.machine.virtual
    assert not found.trusted
    said = {c.status for c in found.costs.values() if not found.why_unmeasured(c.name)}
    assert said <= {EMULATED, DOUBTED}
    assert said


def test_a_heap_that_has_not_so_much_is_measured_in_what_it_has(heap):
    place = Place(heap.name, kind_of(heap.name))
    if place.kind != "cma":
        return  # a system heap is bounded by max_bytes alone
    before = left_behind()
    log = measure(place, heap.fileno(), Matrix((4 * KiB, 1024 * MiB), 3, 1024 * MiB))
    assert log.skipped == [f"{heap.name} heap, 1 GiB: Cannot allocate memory"]
    assert {size for _, _, size in log.times} == {4 * KiB}
    assert left_behind() == before


@pytest.mark.needs("udmabuf")
def test_udmabuf_is_measured_where_it_is():
    before = left_behind()
    with hk.udmabuf() as device:
        matrix = Matrix((4 * KiB, 64 * KiB), 3, 1 * MiB)
        log = measure(Place("udmabuf", "udmabuf"), device.fileno(), matrix)
    assert log.skipped == []
    assert {operation for operation, _, _ in log.times} >= STEPS | SYNC | {"prepare"}
    assert left_behind() == before
