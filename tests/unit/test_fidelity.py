# SPDX-License-Identifier: MIT
"""The comparison of the fidelity suite, on two recordings that come with heapkit.

Linux 6.12.117: its CMA heap (cma=16M), and its system heap in memory with plenty and
full of holes. What the guests record in each run is compared in tests/live.
"""

from __future__ import annotations

import lzma

import pytest

import heapkit as hk
from tests.live.fidelity import cma, cma_recording, sequences, system, system_recording
from tests.live.fidelity.system_recording import Attempt

CMA = hk.sample("kernel/fidelity_cma.txt.xz")
SYSTEM = hk.sample("kernel/fidelity_system.txt.xz")


@pytest.fixture(scope="module")
def area():
    return cma_recording.read(CMA)


@pytest.fixture(scope="module")
def pages():
    return system_recording.read(SYSTEM)


def changed(path, tmp_path, change):
    """A recording in which one line is another."""
    with lzma.open(path, "rt") as recorded:
        lines = recorded.readlines()
    copy = tmp_path / "changed.txt"
    copy.write_text("".join(change(lines)))
    return copy


def test_simulated_cma_heap_answers_as_the_kernels_did(area):
    done = cma.compare(area, cma.board(area))
    assert done.mismatches == []
    assert done.requests == area.requests
    assert min(done.answers[k] for k in ("ENOMEM", "EINVAL", "allocated", "freed")) > 0


def test_simulated_system_heap_answers_as_the_kernels_did(pages):
    done = system.compare(pages)
    assert done.mismatches == []
    assert done.requests == pages.requests


def test_recording_of_the_system_heap_has_attempts_that_failed(pages):
    failed = [a for a in pages if not all(succeeded for _, succeeded in a.attempts)]
    assert {answer.part.period for answer in pages} == {0, 2, 8, 32, 512}
    assert len(failed) > 10


@pytest.mark.parametrize("order", [0, 4, 7, 9, 12])
def test_another_alignment_is_noticed(area, order):
    done = cma.compare(area, cma.board(area, alignment_order=order))
    assert "first page" in {mismatch.what for mismatch in done.mismatches}


@pytest.mark.parametrize("fit", ["best", "first", "order-align"])
def test_another_fit_is_noticed(area, fit):
    right = cma.board(area)
    (heap,) = right.heaps
    wrong = hk.CarveoutHeap(name=heap.name, base=heap.base, size=heap.size, fit=fit)
    done = cma.compare(area, hk.Board(name="wrong", heaps=(wrong,)))
    assert "first page" in {mismatch.what for mismatch in done.mismatches}


@pytest.mark.parametrize("orders", [(9, 4, 0), (8, 3, 0), (8, 0), (9, 8, 4, 0), (0,)])
def test_other_orders_are_noticed(pages, orders):
    done = system.compare(pages, hk.SystemHeap(orders=orders))
    assert "orders" in {mismatch.what for mismatch in done.mismatches}


def test_mismatch_says_the_request_both_answers_and_the_seed(area):
    done = cma.compare(area, cma.board(area, alignment_order=0))
    first = done.mismatches[0]
    assert f"request {first.number}, " in str(first)
    assert f"kernel {first.kernel}, model {first.model}" in str(first)
    assert f"HEAPKIT_FIDELITY_SEED={area.seed}" in done.verdict()
    assert str(first) in done.verdict()


def test_page_that_somebody_else_takes_is_noticed(area, tmp_path):
    def take(lines):
        # The last page of the area, when the first bitmap was printed.
        words = lines[1].split()
        lines[1] = " ".join([*words[:-1], str(1 << 31)]) + "\n"
        return lines

    recording = cma_recording.read(changed(CMA, tmp_path, take))
    done = cma.compare(recording, cma.board(recording))
    assert done.mismatches[0].what == "pages changed"


def test_request_of_another_seed_is_noticed(area, tmp_path):
    def reseed(lines):
        lines[0] = lines[0].replace(f'"seed": {area.seed}', f'"seed": {area.seed + 1}')
        return lines

    recording = cma_recording.read(changed(CMA, tmp_path, reseed))
    done = cma.compare(recording, cma.board(recording))
    assert {m.what for m in done.mismatches} == {"the request of this seed"}


def test_lost_events_are_no_recording(tmp_path):
    def lose(lines):
        return [*lines[:20], "CPU:0 [LOST 7 EVENTS]\n", *lines[20:]]

    recording = system_recording.read(changed(SYSTEM, tmp_path, lose))
    with pytest.raises(EOFError, match="7 events"):
        list(recording)


@pytest.mark.parametrize("path", [CMA, SYSTEM])
def test_half_a_recording_is_no_recording(path, tmp_path):
    half = changed(path, tmp_path, lambda lines: lines[: len(lines) // 2])
    module = cma_recording if path == CMA else system_recording
    with pytest.raises(EOFError):
        list(module.read(half))


def test_seed_and_outcomes_give_the_requests_again():
    def drawn(seed):
        plan = sequences.requests(seed, sequences.cma(4096))
        first = next(plan)
        return [first, *(plan.send(number % 3 > 0) for number in range(500))]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize("habits", [sequences.system(4096), sequences.scarce(4096)])
def test_system_heap_is_never_asked_for_more_than_it_may_give(habits):
    plan = sequences.requests(5, habits)
    held, request = {}, next(plan)
    for _ in range(2000):
        given = request.size is not None and request.size not in sequences.WRAPPING
        if given:
            held[request.buffer] = -(-request.size // sequences.PAGE)
        elif request.size is None:
            del held[request.buffer]
        assert sum(held.values()) <= habits.pages
        request = plan.send(given)


@pytest.mark.parametrize(
    ("pages", "said", "ruled"),
    [
        (256 + 16 + 1, "8 4 0", "8 4 0"),
        (512, "8 !8 4", "8 !8 4" + 15 * " 4"),
        (17, "!4 0", "!4 0" + 16 * " 0"),
        (272, "!8 4 !4 0", "!8 4 !4 0" + 255 * " 0"),
        (32, "4 !4 !0", "4 !4 !0"),
    ],
)
def test_rule_of_the_attempts(pages, said, ruled):
    attempts = tuple(
        Attempt(int(word.lstrip("!")), not word.startswith("!"))
        for word in said.split()
    )
    assert system.runs(system.ruled(pages, attempts)) == ruled
