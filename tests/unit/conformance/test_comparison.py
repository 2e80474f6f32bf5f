# SPDX-License-Identifier: MIT
"""Two reports side by side: what differs is a failure with both answers."""

from dataclasses import replace

import pytest

from heapkit.conformance import Difference, Platform, compare, run
from tests.unit.conformance.test_report import BAD, PLATFORM, ROW, report_of

LIVE = Platform(backend="live", kernel="7.3.4", features={"sync_file": False})


def live_of(*rows, platform=LIVE):
    return replace(report_of(*rows), platform=platform)


def known(**fields):
    told = {"checks": ("alloc.*",), "answers": ("ok",), "why": "since", "source": "s"}
    return (Difference(**told | fields),)


def verdict(ours, theirs, differences=()):
    (pair,) = compare(report_of(ours), live_of(theirs), differences=differences).pairs
    return pair.verdict


OTHER = replace(ROW, answer="ok", verdict="not ok")


def test_same_answers_are_the_same():
    found = compare(report_of(ROW), live_of(ROW), differences=())
    assert found.ok
    assert found.counts()["same"] == 1


def test_other_answer_is_a_failure_with_both():
    found = compare(report_of(ROW), live_of(OTHER), differences=())
    (pair,) = found.failures
    assert (pair.simulated, pair.live, found.ok) == ("EINVAL", "ok", False)
    assert "simulated system: EINVAL" in str(found)
    assert "live system: ok" in str(found)


def test_difference_that_the_data_has_is_known():
    data = known(kernel=">=7.3")
    assert verdict(ROW, replace(OTHER, verdict="ok"), data) == "known difference"
    found = compare(report_of(ROW), live_of(OTHER), differences=data)
    assert (found.known[0].why, found.failures) == ("since (s)", ())


@pytest.mark.parametrize(
    "data",
    [
        known(kernel=">=8.0"),
        known(kinds=("cma",)),
        known(answers=("ENOTTY",)),
        known(checks=("mmap.*",)),
        known(backends=("sim",)),
        known(features={"sync_file": True}),
    ],
)
def test_difference_whose_conditions_do_not_hold_excuses_nothing(data):
    assert verdict(ROW, OTHER, data) == "DIFFERS"


def test_rule_for_both_sides_does_not_excuse_the_one_that_breaks_it():
    both = known(kinds=("system",))
    assert verdict(ROW, OTHER, both) == "DIFFERS"


def test_simulation_that_is_wrong_is_not_excused_by_a_right_kernel():
    wrong = replace(ROW, answer="EPERM", verdict="not ok")
    assert verdict(wrong, OTHER, known(kernel=">=7.3")) == "DIFFERS"


def test_row_that_nobody_was_asked_is_one_sided():
    skipped = replace(ROW, verdict="not carried", answer="", reason="no file")
    (pair,) = compare(report_of(skipped), live_of(ROW), differences=()).pairs
    assert (pair.verdict, pair.why) == ("one-sided", "not carried: no file")


def test_crash_on_one_side_is_a_failure():
    crashed = replace(ROW, answer="", verdict="not ok", reason="KeyError: 3")
    assert verdict(crashed, ROW) == "DIFFERS"
    assert verdict(ROW, crashed) == "DIFFERS"


def test_heaps_pair_by_kind_where_names_differ():
    ours = replace(ROW, heap="default_cma_region", kind="cma")
    theirs = replace(ROW, heap="reserved", kind="cma")
    (pair,) = compare(report_of(ours), live_of(theirs), differences=()).pairs
    assert (pair.simulated_heap, pair.live_heap) == ("default_cma_region", "reserved")


def test_heap_without_a_counterpart_is_a_failure():
    found = compare(
        report_of(ROW),
        live_of(replace(ROW, heap="new", kind="unknown")),
        differences=(),
    )
    assert [pair.verdict for pair in found.failures] == ["UNPAIRED"]


def test_nothing_compared_is_not_ok():
    assert not compare(report_of(), live_of(), differences=()).ok
    assert not compare(report_of(BAD), live_of(ROW), differences=()).ok


def test_what_is_no_report_is_a_value_error():
    with pytest.raises(ValueError, match="live="):
        compare(report_of(ROW), 3)


def test_frame_and_table_have_every_pair():
    found = compare(report_of(ROW, BAD), live_of(OTHER, BAD), differences=())
    assert len(found.to_frame()) == 2
    shown = found._repr_html_()
    assert shown.index("DIFFERS") < shown.index("<details>")
    assert repr(found).endswith("1 DIFFERS, 1 same>")


def test_kernels_that_are_simulated_differ_only_as_known(small):
    ours = run(small, kernel="6.12", progress=False)
    theirs = run(small, kernel="7.3 stock", progress=False)
    assert ours.platform.version[:2] == PLATFORM.version[:2]
    found = compare(ours, theirs)
    assert found.ok, str(found)
    differing = {pair.check.partition(".")[0] for pair in found.known}
    assert differing == {"sync_file", "mmap"}
