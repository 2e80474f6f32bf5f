# SPDX-License-Identifier: MIT
"""A recorded CMA heap against a simulated one, page by page after every request."""

from __future__ import annotations

import itertools
import math

import numpy as np

import heapkit as hk
from heapkit.snapshot import State
from tests.live.fidelity import sequences
from tests.live.fidelity.cma_recording import Answer, Bits, CmaRecording
from tests.live.fidelity.comparison import Comparison

PAGE = sequences.PAGE


def board(recording: CmaRecording, *, alignment_order: int = 8) -> hk.Board:
    """The recorded area; 8 is CONFIG_CMA_ALIGNMENT of the recording kernel."""
    heap = hk.CmaHeap(
        name=recording.heap,
        base=recording.base_pfn * PAGE,
        size=recording.count * PAGE,
        order_per_bit=recording.order_per_bit,
        alignment_order=alignment_order,
    )
    end = (recording.base_pfn + recording.count) * PAGE
    return hk.Board(name="recorded", memory=hk.Memory(total=end), heaps=(heap,))


def compare(recording: CmaRecording, board: hk.Board) -> Comparison:
    """Every errno, size, position, bitmap and number of used pages.

    A change that no request of ours explains is a mismatch too, of the kernel with
    itself: somebody else has used the area.
    """
    done = Comparison(recording.heap, recording.kernel, recording.seed)
    with hk.simulate(board) as heaps:
        model = Model(heaps, recording)
        plan = Plan(recording)
        before = recording.first
        places: dict[int, Bits] = {}
        for number, answer in enumerate(recording):
            done.count(answer.request, answer.error)
            for what, kernel, said in (
                ("the request of this seed", answer.request, plan.next(answer)),
                ("pages changed", *changes(before, answer, places)),
                *model.answer(answer, before),
            ):
                done.expect(number, answer.request, what, kernel, said)
            if done.lost:
                break
            before = answer.bits
    return done


class Plan:
    """The requests once more, from the seed and the kernel's outcomes."""

    def __init__(self, recording: CmaRecording) -> None:
        habits = sequences.cma(recording.count)
        self._requests = sequences.requests(recording.seed, habits)
        self._outcome: bool | None = None

    def next(self, answer: Answer) -> sequences.Request:
        """What has to be the next one; ``answer`` steers those after it."""
        request = self._requests.send(self._outcome)  # type: ignore[arg-type]
        self._outcome = not answer.error
        return request


def changes(before: Bits, answer: Answer, places: dict[int, Bits]) -> tuple[str, str]:
    """The pages that changed hands, and those that should have, as runs."""
    changed = np.flatnonzero(before != answer.bits)
    request = answer.request
    if request.size is None:
        due = places.pop(request.buffer)
    elif answer.error:
        due = changed[:0]
    else:
        # Where is the kernel's to say; here it is asked for one run of that length.
        start = changed[0] if len(changed) else 0
        due = np.arange(start, start + pages_of(request.size))
        places[request.buffer] = due
    return ("", "") if np.array_equal(changed, due) else (runs(changed), runs(due))


def pages_of(size: int) -> int:
    """Pages of so many bytes."""
    return math.ceil(size / PAGE)


def runs(pages: Bits) -> str:
    """Ascending page numbers as "3-7 9-9"."""
    ends = np.flatnonzero(np.diff(pages, prepend=-2, append=2**62) != 1)
    pairs = itertools.pairwise(ends)
    return " ".join(f"{pages[a]}-{pages[b - 1]}" for a, b in pairs) or "none"


class Model:
    """The simulated heap, asked the same."""

    def __init__(self, heaps: hk.SimHeaps, recording: CmaRecording) -> None:
        self._heaps, self._heap = heaps, heaps[recording.heap]
        self._base = recording.base_pfn * PAGE
        self._buffers: dict[int, hk.SimBuf] = {}

    def answer(self, kernel: Answer, before: Bits) -> list[tuple[str, object, object]]:
        """(What, the kernel's, the model's) of one request."""
        rows: list[tuple[str, object, object]] = []
        request = kernel.request
        if request.size is None:
            # A model that has gone wrong may not have it.
            if buffer := self._buffers.pop(request.buffer, None):
                buffer.close()
        else:
            error, given, at = self._allocate(request)
            new = np.flatnonzero(kernel.bits & ~before)
            place = int(new[0]) if len(new) and not kernel.error else None
            rows = [
                ("errno", kernel.error, error),
                ("bytes given", kernel.given, given),
                ("first page", place, at),
            ]
        bits = self.bitmap()
        if np.array_equal(bits, kernel.bits):
            rows.append(("bitmap", "", ""))
        else:
            both = (runs(np.flatnonzero(each)) for each in (kernel.bits, bits))
            rows.append(("bitmap", *both))
        return [*rows, ("used pages", kernel.used, np.count_nonzero(bits))]

    def _allocate(self, request: sequences.Request) -> tuple[int, int, int | None]:
        assert request.size is not None
        try:
            buffer = self._heap.allocate(request.size)
        except OSError as error:
            return error.errno or -1, 0, None
        self._buffers[request.buffer] = buffer
        (entry,) = buffer.entries
        return 0, buffer.size, (entry.address - self._base) // PAGE

    def bitmap(self) -> Bits:
        """A bit for each page that is not free."""
        # The core's own records, for ten thousand snapshots are to be quick.
        regions = self._heaps._machine.snapshot(self._heap.index)
        pages = (regions["size"] // PAGE).astype(np.int64)
        taken: Bits = np.repeat(regions["state"] != State.FREE, pages)
        return taken
