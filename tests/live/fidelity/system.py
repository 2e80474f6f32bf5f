# SPDX-License-Identifier: MIT
"""A recorded system heap against a simulated one: errno, size, order of every block.

With memory in plenty the simulated heap is asked by itself and has to get the same
blocks. Full of holes, a kernel's memory cannot be known from outside. Then the
attempts have to follow the heap's rule, and the simulated heap, given just the
blocks of orders 8 and 4 that the kernel's found, has to take the same ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import heapkit as hk
from tests.live.fidelity import sequences
from tests.live.fidelity.comparison import Comparison
from tests.live.fidelity.scarce import Scarce, board_of
from tests.live.fidelity.sequences import PAGE, Request
from tests.live.fidelity.system_recording import (
    Answer,
    Attempt,
    Part,
    SystemRecording,
)

ORDERS = (8, 4, 0)


def compare(
    recording: SystemRecording, heap: hk.SystemHeap | None = None
) -> Comparison:
    """Every request; ``heap`` is the model, by default that of the kernel's rules."""
    done = Comparison(recording.heap, recording.kernel, recording.seed)
    with Model(heap or hk.SystemHeap()) as model:
        plan = Plan(recording)
        for number, answer in enumerate(recording):
            done.count(answer.request, answer.error)
            said = plan.next(answer)
            done.expect(
                number, answer.request, "the request of this seed", answer.request, said
            )
            for row in (*shape(answer), *model.answer(answer)):
                done.expect(number, answer.request, *row)
            if done.lost:
                break
    return done


class Plan:
    """The requests of each part once more, from the seed and the outcomes."""

    def __init__(self, recording: SystemRecording) -> None:
        self._seed = recording.seed
        self._part: Part | None = None
        self._outcome: bool | None = None

    def next(self, answer: Answer) -> Request:
        """What has to be the next one; ``answer`` steers those after it."""
        part = answer.part
        if part != self._part:
            kind = sequences.scarce if part.period else sequences.system
            habits = kind(part.pages)
            self._part = part
            self._requests = sequences.requests(self._seed + part.period, habits)
            self._outcome = None
        request = self._requests.send(self._outcome)
        self._outcome = not answer.error
        return request


def shape(answer: Answer) -> Iterator[tuple[str, object, object]]:
    """What of the attempts follows from the heap's rule alone."""
    size = answer.request.size
    if size is None or answer.error:
        yield "attempts", runs(answer.attempts), runs(())
        return
    pages = -(-size // PAGE)
    got = sum(1 << order for order, succeeded in answer.attempts if succeeded)
    yield "pages", got, pages
    yield "attempts", runs(answer.attempts), runs(ruled(pages, answer.attempts))


def ruled(pages: int, attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """The attempts that drivers/dma-buf/heaps/system_heap.c makes.

    Each time the largest order that is not larger than what is lacking, nor than the
    last one that succeeded; after a failure the next smaller one. Which of them fail
    is taken from ``attempts``.
    """
    made: list[Attempt] = []
    largest, outcomes = ORDERS[0], iter(attempts)
    while pages > 0:
        for order in ORDERS:
            if order > largest or 1 << order > pages:
                continue
            attempt = Attempt(order, next(outcomes, Attempt(0, succeeded=True))[1])
            made.append(attempt)
            if attempt.succeeded:
                largest, pages = order, pages - (1 << order)
                break
        else:
            break
    return tuple(made)


def runs(attempts: tuple[Attempt, ...]) -> str:
    """ "8 8 !8 4" is two of order 8, one that failed, one of order 4."""
    return " ".join(f"{'' if ok else '!'}{order}" for order, ok in attempts)


class Model:
    """The simulated heap: on idle memory, and on memory of chosen blocks."""

    def __init__(self, heap: hk.SystemHeap) -> None:
        self._ample = hk.simulate(board_of(heap))
        self._scarce = Scarce(heap)
        self._buffers: dict[tuple[int, int], hk.SimBuf] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ample.close()
        self._scarce.close()

    def answer(self, kernel: Answer) -> Iterator[tuple[str, object, object]]:
        """(What, the kernel's, the model's) of one request."""
        request, period = kernel.request, kernel.part.period
        if request.size is None:
            if buffer := self._buffers.pop((period, request.buffer), None):
                buffer.close()
            return
        blocks = tuple(order for order, succeeded in kernel.attempts if succeeded)
        ask = self._ample["system"].allocate
        if period:
            ask = self._scarce.granting(blocks)
        try:
            buffer = ask(request.size)
        except OSError as error:
            yield "errno", kernel.error, error.errno
            return
        yield "errno", kernel.error, 0
        yield "bytes given", kernel.given, buffer.size
        yield "orders", blocks, orders(buffer)
        if period:
            buffer.close()
        else:
            self._buffers[period, request.buffer] = buffer


def orders(buffer: hk.SimBuf) -> tuple[int, ...]:
    """Of its blocks, in the order in which it got them."""
    return tuple((entry.size // PAGE).bit_length() - 1 for entry in buffer.entries)
