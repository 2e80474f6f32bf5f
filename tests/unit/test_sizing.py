# SPDX-License-Identifier: MIT
import numpy as np
import pytest

from heapkit import sizing
from heapkit.board import Board, CarveoutHeap, Memory, PagePool, SystemHeap
from heapkit.trace import Op, Trace
from heapkit.units import GiB, MiB

BOARD = Board(
    name="b",
    memory=Memory(total=1 * GiB),
    heaps=(
        SystemHeap(pool=PagePool()),
        CarveoutHeap(name="camera", size=16 * MiB, base=8 * GiB),
    ),
)


def frames(count: int, *, heap: str = "camera", seed: int = 1) -> Trace:
    """``count`` buffers of 1 MiB held at once, then freed; ``seed`` adds a few."""
    n = count + seed - 1
    return Trace.from_columns(
        op=np.repeat([Op.ALLOC, Op.FREE], n).astype(np.uint8),
        buffer=np.tile(np.arange(n, dtype=np.uint32), 2),
        size=np.repeat(np.array([MiB, 0], np.uint64), n),
        heap=heap,
        time_ns=np.arange(2 * n, dtype=np.int64) * 1000,
    )


def test_the_smallest_size_that_holds_all_is_found() -> None:
    sizes = [n * MiB for n in (4, 8, 9, 10, 11, 16)]
    answer = sizing.size(frames(10), BOARD, vary={"camera.size": sizes})
    assert answer.value == 10 * MiB


def test_numbers_are_tried_in_ascending_order_whatever_order_they_come_in() -> None:
    answer = sizing.size(
        frames(4), BOARD, vary={"camera.size": [8 * MiB, 2 * MiB, 4 * MiB]}
    )
    assert [s["camera.size"] for s in answer.settings] == [2 * MiB, 4 * MiB, 8 * MiB]


def test_every_trace_must_meet_the_target_and_the_interval_shows_their_spread() -> None:
    def workload(*, seed: int) -> Trace:
        return frames(4, seed=seed)

    sizes = [n * MiB for n in range(2, 12)]
    answer = sizing.size(workload, BOARD, vary={"camera.size": sizes}, seeds=(1, 2, 3))
    assert answer.value == 6 * MiB
    assert answer.interval == (4 * MiB, 6 * MiB)


def test_a_request_that_falls_back_counts_as_refused() -> None:
    trace = frames(10, heap="camera|system")
    answer = sizing.size(trace, BOARD, vary={"camera.size": [5 * MiB]})
    assert answer.trials[0].refused == 5


def test_a_request_that_never_reached_the_heap_is_not_counted() -> None:
    trace = frames(10, heap="camera|system")
    answer = sizing.size(trace, BOARD, vary={"system.pool.limit": [MiB]}, target=1.0)
    assert answer.trials[0].requests == 0


def test_a_failure_rate_may_be_the_target() -> None:
    sizes = [n * MiB for n in range(1, 12)]
    answer = sizing.size(frames(10), BOARD, vary={"camera.size": sizes}, target=0.2)
    assert answer.value == 8 * MiB


def test_the_latency_is_part_of_the_target() -> None:
    answer = sizing.size(
        frames(10), BOARD, vary={"camera.size": [16 * MiB]}, target={"p99_ns": 1.0}
    )
    assert answer.value is None


def test_without_an_answer_the_sentence_says_so_and_there_is_nothing_to_paste() -> None:
    answer = sizing.size(frames(10), BOARD, vary={"camera.size": [2 * MiB]})
    assert "No camera.size tried" in str(answer)
    with pytest.raises(ValueError, match="widen vary"):
        answer.to_devicetree()


def test_an_ellipsis_brackets_the_boards_own_value() -> None:
    answer = sizing.size(frames(10), BOARD, vary={"camera.size": ...})
    sizes = [s["camera.size"] for s in answer.settings]
    assert min(sizes) <= 4 * MiB < 32 * MiB == max(sizes)
    assert all(size % 4096 == 0 for size in sizes)


def test_the_answer_is_the_same_on_one_thread_and_on_four() -> None:
    sizes = [n * MiB for n in range(1, 12)]
    one, four = (
        sizing.size(frames(10), BOARD, vary={"camera.size": sizes}, threads=threads)
        for threads in (1, 4)
    )
    assert one.trials == four.trials


def test_the_node_to_paste_has_the_recommended_size() -> None:
    answer = sizing.size(frames(10), BOARD, vary={"camera.size": [10 * MiB]})
    assert "0x0 0xa00000>" in answer.to_devicetree()


def test_names_that_are_not_numbers_are_tried_in_the_order_given() -> None:
    answer = sizing.size(frames(4), BOARD, vary={"camera.fit": ["first", "best"]})
    assert answer.value == "first"


def test_a_target_left_open_is_no_failure_at_all() -> None:
    vary = {"camera.size": ...}
    answer = sizing.size(frames(4), BOARD, vary=vary, target=...)
    assert answer.target == sizing.Target(failure_rate=0.0)


def test_the_frame_has_one_row_per_trial() -> None:
    answer = sizing.size(
        [frames(4), frames(6)], BOARD, vary={"camera.size": [4 * MiB, 6 * MiB]}
    )
    assert len(answer.to_frame()) == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"vary": {}}, "name what to vary"),
        ({"vary": ["camera.size"]}, r"vary=\['camera.size'\]; allowed: a dict"),
        ({"vary": {"camera.size": MiB}}, r"vary\['camera.size'\]=1048576; allowed"),
        ({"vary": {"camera.fit": "best"}}, r"vary\['camera.fit'\]='best'; allowed"),
        ({"target": "1 %"}, "target='1 %'; allowed: a Target"),
        ({"target": None}, "target=None; allowed"),
        ({"target": True}, "target=True; allowed"),
        ({"vary": {"camera.size": []}}, "at least one value"),
        ({"vary": {"camera.fit": ...}}, "list the values"),
        ({"vary": {"nope.size": [1]}}, "nope.size"),
        ({"vary": {"camera.size": [MiB], "system.pool.limit": [1]}}, "several heaps"),
        ({"vary": {"camera.size": [-1]}}, "size=-1"),
        ({"target": 1.5}, "failure_rate=1.5"),
        ({"target": {"p98": 1}}, "only failure_rate and p99_ns"),
        ({"target": {"p99_ns": 0}}, "p99_ns=0"),
        ({"trace": []}, "must be a Trace"),
        ({"trace": None}, "must be a Trace"),
    ],
)
def test_a_wrong_argument_is_named(arguments: dict[str, object], message: str) -> None:
    given: dict[str, object] = {
        "trace": frames(2),
        "vary": {"camera.size": [MiB]},
        **arguments,
    }
    trace = given.pop("trace")
    with pytest.raises(ValueError, match=message):
        sizing.size(trace, BOARD, **given)  # type: ignore[arg-type]
