# SPDX-License-Identifier: MIT
"""The matrix as it runs here: what is measured and what is left behind, no times."""

import errno
import os

import numpy as np
import pytest

from heapkit import KiB, MiB, _ffi
from heapkit.calibration import measuring
from heapkit.calibration.measuring import Matrix, area_bytes, measure, with_a_page_less
from heapkit.calibration.operations import STEPS, WORKS
from heapkit.calibration.samples import Place, counts_of, entries_of, kind_of

MEMFD, ANONYMOUS = Place("memfd", "memfd"), Place("anonymous memory", "anonymous")
AREA = Place("area", "area")
SMALL = Matrix(sizes=(4 * KiB, 64 * KiB), rounds=5, max_bytes=1 * MiB)


def steps_of(log):
    return {operation for operation, _, _ in log.times}


def test_a_memfd_has_no_synchronisation_and_anonymous_memory_no_file():
    touched = {"mmap", "first touch", "second touch", "munmap"}
    assert steps_of(measure(ANONYMOUS, -1, SMALL)) == touched
    of_memfd = touched | {"prepare", "allocate", "free"}
    assert steps_of(measure(MEMFD, -1, SMALL)) == of_memfd


def test_every_size_has_at_least_the_rounds_fresh_and_repeated():
    for samples in measure(MEMFD, -1, SMALL).samples():
        assert len(samples.ns) >= SMALL.rounds
        assert (samples.ns >= 0).all()
        assert samples.state in {"fresh", "repeated"}
        assert samples.size in SMALL.sizes


def test_nothing_stays_open_and_the_ticks_are_as_foretold(open_files):
    ticks = []
    matrix = Matrix(SMALL.sizes, 3, 4 * MiB, lambda: ticks.append(1))
    before = open_files()
    for place in (MEMFD, AREA):
        measure(place, -1, matrix)
    assert open_files() == before
    assert len(ticks) == measuring.batches([MEMFD, AREA], matrix)


def test_more_than_it_may_take_is_left_out_with_the_reason():
    log = measure(MEMFD, -1, Matrix((64 * KiB, 4 * MiB), 3, 1 * MiB))
    assert log.skipped == ["memfd, 4 MiB: more than the 1 MiB that it may take"]
    assert {size for _, _, size in log.times} == {64 * KiB}


def test_a_batch_holds_no_more_than_it_may(monkeypatch):
    held = []

    def watch(kind, size, count, **options):
        held.append(size * count)
        return measured(kind, size, count, **options)

    measured = _ffi.measure_buffers
    monkeypatch.setattr(_ffi, "measure_buffers", watch)
    measure(ANONYMOUS, -1, Matrix((4 * KiB, 512 * KiB, 1 * MiB), 20, 1 * MiB))
    assert max(held) <= 1 * MiB
    # One buffer that fills it all is never fresh.
    assert held.count(1 * MiB) > 0


def refusing(monkeypatch, above):
    measured = _ffi.measure_buffers

    def refuse(kind, size, count, **options):
        if size * count > above:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        return measured(kind, size, count, **options)

    monkeypatch.setattr(_ffi, "measure_buffers", refuse)


def test_a_small_area_gets_fewer_at_once(monkeypatch):
    refusing(monkeypatch, above=256 * KiB)
    log = measure(MEMFD, -1, Matrix((64 * KiB,), 6, 8 * MiB))
    assert log.skipped == []
    assert ("allocate", "fresh", 64 * KiB) in log.times


def test_a_size_that_is_refused_is_left_out_and_the_others_are_not(monkeypatch):
    refusing(monkeypatch, above=256 * KiB)
    log = measure(MEMFD, -1, Matrix((16 * KiB, 512 * KiB), 3, 8 * MiB))
    assert log.skipped == ["memfd, 512 KiB: Cannot allocate memory"]
    assert {size for _, _, size in log.times} == {16 * KiB}


def test_an_interrupt_between_two_batches_leaves_nothing_open(open_files):
    def stop():
        raise KeyboardInterrupt

    before = open_files()
    with pytest.raises(KeyboardInterrupt):
        measure(MEMFD, -1, Matrix(SMALL.sizes, 3, SMALL.max_bytes, stop))
    assert open_files() == before


def test_an_area_does_all_work_that_the_cpu_knows():
    log = measure(AREA, -1, Matrix((4 * KiB,), 3, 2 * MiB))
    zeroing = {"zero by 4 KiB", "zero by 64 KiB", "zero by 1 MiB"}
    missing = {line.split(", ")[1].partition(":")[0] for line in log.skipped}
    assert steps_of(log) == zeroing | set(WORKS) - {"zero"} - missing
    assert all("no such instruction" in line for line in log.skipped)


@pytest.mark.parametrize(
    ("cache", "bound", "size"),
    [
        (0, 256 * MiB, 8 * MiB),
        (3 * MiB, 256 * MiB, 8 * MiB),
        (20 * MiB, 256 * MiB, 64 * MiB),
        (512 * MiB, 256 * MiB, 128 * MiB),
        (20 * MiB, 48 * MiB, 32 * MiB),
        (20 * MiB, 4 * MiB, 4 * MiB),
    ],
)
def test_an_area_is_larger_than_the_cache_within_its_bounds(cache, bound, size):
    assert area_bytes(cache, bound) == size


# --- What is in a buffer ---------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "entries"),
    [
        (4 * KiB, 1),
        (60 * KiB, 15),
        (64 * KiB, 1),
        (1020 * KiB, 30),
        (1 * MiB, 1),
        (4 * MiB + 68 * KiB, 6),  # liverig §7: {8: 4, 4: 1, 0: 1}
        (32 * MiB, 32),
    ],
)
def test_a_system_heap_takes_the_largest_blocks_first(size, entries):
    assert entries_of("system", size) == entries


def test_where_no_rule_says_how_many_entries_there_is_no_such_term():
    assert counts_of("cma", 1 * MiB, 64) == {
        "call": 1,
        "page": 256,
        "entry": 1,
        "line": 16384,
    }
    assert "entry" not in counts_of("memfd", 1 * MiB, 64)
    assert "line" not in counts_of("area", 4 * KiB, 0)


def test_a_page_less_makes_many_entries_of_few():
    assert with_a_page_less((4 * KiB, 64 * KiB, 32 * MiB)) == (
        4 * KiB,
        60 * KiB,
        64 * KiB,
        32 * MiB,
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("system", "system"),
        ("system-uncached", "heap"),
        ("reserved", "cma"),
        ("linux,cma", "cma"),
        ("default_cma_region", "cma"),
        ("udmabuf", "udmabuf"),
        ("camera", "heap"),
    ],
)
def test_the_kind_of_a_heap_is_told_by_its_name(name, kind):
    assert kind_of(name) == kind


def test_every_step_and_work_of_the_core_has_a_name():
    assert set(STEPS.values()) == set(_ffi.MeasureStep)
    assert set(WORKS.values()) == set(_ffi.Work)


# --- The door --------------------------------------------------------------------


def test_a_step_that_a_source_has_not_has_no_time():
    ns = _ffi.measure_buffers(_ffi.SourceKind.ANONYMOUS, 4 * KiB, 2, max_bytes=MiB)
    assert ns.shape == (2, len(_ffi.MeasureStep))
    assert (ns[:, _ffi.MeasureStep.FREE] == _ffi.NO_STEP).all()


@pytest.mark.parametrize(
    ("size", "count", "code"),
    [
        (4 * KiB, 0, errno.EINVAL),
        (4 * KiB, 65, errno.EINVAL),
        (100, 1, errno.EINVAL),
        (2 * MiB, 1, errno.E2BIG),
    ],
)
def test_the_measuring_code_refuses_what_makes_no_sense(size, count, code):
    with pytest.raises(OSError, match="MEMFD") as refused:
        _ffi.measure_buffers(_ffi.SourceKind.MEMFD, size, count, max_bytes=MiB)
    assert refused.value.errno == code


def test_a_closed_area_is_given_back_once():
    area = _ffi.MeasureArea(1 * MiB)
    assert len(area.work(_ffi.Work.READ, 4 * KiB, 7)) == 7
    area.close()
    area.close()


def test_the_clock_has_a_step():
    assert (_ffi.measure_clock(20) > 0).all()
    assert np.log2(_ffi.line_bytes() or 1) % 1 == 0
