# SPDX-License-Identifier: MIT
"""What is asked of whom, and that no heap ends a run."""

import sys

import pytest

import heapkit as hk
from heapkit.conformance import CHECKS, run
from heapkit.conformance.runner import BY_NAME
from tests.unit.conformance.conftest import KINDS, NAMES

QUICK = "sync.*"


@pytest.fixture(scope="module")
def whole(every_kind):
    return run(every_kind, progress=False)


@pytest.mark.parametrize("name", NAMES)
def test_simulated_heap_answers_as_linux_does(whole, name):
    bad = [
        (r.check, r.expected, r.answer, r.reason)
        for r in whole.of(name)
        if r.verdict == "not ok"
    ]
    assert not bad


@pytest.mark.parametrize("kernel", list(hk.conformance.kernels()))
def test_board_answers_as_the_kernel_that_it_is_simulated_as(every_kind, kernel):
    report = run(every_kind, "system", kernel=kernel, progress=False)
    assert report.ok, str(report)


def test_every_check_is_asked_of_every_heap_that_it_concerns(whole):
    for heap in KINDS:
        asked = [row.check for row in whole.of(heap.name)]
        assert asked == [c.id for c in CHECKS if not c.kinds or heap.kind in c.kinds]


def test_most_of_it_is_carried_by_the_simulation(whole):
    counts = whole.counts("system")
    assert counts["ok"] >= 135
    assert counts["not carried"] <= 23


def test_what_is_not_carried_says_why(whole):
    missing = [row for row in whole if row.verdict in ("not carried", "skip")]
    assert missing
    assert all(row.reason for row in missing)


def test_nothing_stays_open(small):
    with hk.simulate(small) as heaps:
        run(heaps, progress=False)
        assert (heaps.buffers, len(heaps.files)) == ((), 0)


def test_heaps_are_left_open(small):
    with hk.simulate(small) as heaps:
        run(heaps, checks=QUICK, progress=False)
        assert heaps["system"].allocate(4096).size == 4096


def test_heaps_that_do_not_behave_like_the_kernel_are_not_ok(small):
    with hk.simulate(small) as heaps:
        report = run(heaps, checks="mmap.exec", kernel="7.3", progress=False)
    (row,) = report.failures
    assert (row.expected, row.answer) == (("EPERM",), "ok")


def test_one_heap_or_some_can_be_asked(every_kind):
    assert run(every_kind, "camera", checks=QUICK, progress=False).heaps == ("camera",)
    some = ["video", "camera"]
    assert run(every_kind, some, checks=QUICK, progress=False).heaps == tuple(some)


def test_checks_are_chosen_by_pattern_or_id(small):
    report = run(small, checks=["mmap.private.*", "alloc.len.zero"], progress=False)
    asked = {row.check for row in report}
    assert "alloc.len.zero" in asked
    assert all(c.startswith("mmap.private.") for c in asked - {"alloc.len.zero"})


# --- Danger ------------------------------------------------------------------


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"dangerous": True},
        {"dangerous": True, "checks": "alloc.*"},
        {"checks": "alloc.len.too_large"},
    ],
)
def test_dangerous_check_is_not_asked_unless_named_and_allowed(small, asked):
    report = run(small, progress=False, **asked)
    (row,) = [row for row in report if row.check == "alloc.len.too_large"]
    assert (row.verdict, row.reason) == ("skip", BY_NAME)


def test_dangerous_check_is_asked_by_its_name(every_kind):
    named = "alloc.len.too_large"
    report = run(every_kind, checks=named, dangerous=True, progress=False)
    answers = {row.heap: row.answer for row in report if row.verdict == "ok"}
    assert answers == dict.fromkeys(set(NAMES) - {"udmabuf"}, "ENOMEM")


# --- Hostile heaps -----------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError("no"), SystemExit(3), KeyboardInterrupt(), MemoryError()],
)
def test_heap_that_raises_is_not_ok_with_the_errors_text(hostile, error):
    def raises():
        raise error

    report = run(hostile(raises), checks="alloc.len.zero", progress=False)
    (row,) = report.rows
    assert row.verdict == "not ok"
    assert row.reason.startswith(type(error).__name__)


def test_error_without_a_number_is_no_answer(hostile):
    def raises():
        raise OSError("nothing")

    (row,) = run(hostile(raises), checks="alloc.len.zero", progress=False).rows
    assert (row.verdict, row.answer) == ("not ok", "")
    assert row.reason == "OSError: nothing"


def test_error_whose_text_raises_is_told_all_the_same(hostile):
    class WorseError(Exception):
        def __str__(self):
            raise ValueError

    def raises():
        raise WorseError

    (row,) = run(hostile(raises), checks="alloc.len.zero", progress=False).rows
    assert row.reason == "WorseError: without a text"


def test_recursion_is_bounded_by_python(hostile):
    def deeper():
        return deeper()

    (row,) = run(hostile(deeper), checks="alloc.len.zero", progress=False).rows
    assert row.reason.startswith("RecursionError")


def test_heap_without_an_answer_is_not_asked_again(hostile, silence):
    report = run(hostile(silence), checks=QUICK, patience_s=0.05, progress=False)
    first, *rest = report.rows
    assert (first.verdict, first.reason) == ("not ok", "no answer within 0.05 s")
    assert {(row.verdict, row.reason) for row in rest} == {
        ("skip", f"no answer came to {first.check}")
    }


def test_heap_that_returns_nonsense_is_not_ok(hostile):
    report = run(hostile(lambda: 7), progress=False)
    assert report.failures
    assert not [row for row in report if row.verdict == "ok" and not row.answer]


def test_backend_of_others_says_what_it_cannot_carry(hostile):
    report = run(hostile(lambda: 7), checks="memory.proc_mem", progress=False)
    assert report.rows[0].verdict in ("not ok", "not carried")


# --- Arguments ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("heap", []),
        ("heap", 3),
        ("kernel", "new"),
        ("checks", "nothing.*"),
        ("checks", 3),
        ("dangerous", 1),
    ],
)
def test_wrong_argument_is_named(small, argument, value):
    with pytest.raises(ValueError, match=f"{argument}="):
        run(small, progress=False, **{argument: value})


def test_unknown_heap_is_named(small):
    with pytest.raises(ValueError, match="no heap 'camera'"):
        run(small, "camera", progress=False)


@pytest.mark.parametrize("heaps", [None, 3, "system"])
def test_heaps_that_are_none_are_a_value_error(heaps):
    with pytest.raises(ValueError, match="heaps="):
        run(heaps, progress=False)


def test_release_that_is_no_name_can_be_claimed_for_heaps(small):
    with hk.simulate(small) as heaps:
        report = run(heaps, checks=QUICK, kernel="6.6.1", progress=False)
    assert report.platform.version == (6, 6, 1)


def test_progress_is_shown_on_request(small, capfd):
    run(small, checks=QUICK, progress=True)
    assert "check" in capfd.readouterr().err
    assert "tqdm" in sys.modules
