# SPDX-License-Identifier: MIT
"""A calibration of known times: constants, statuses, what is doubted, what is kept."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.calibration import Calibration
from heapkit.calibration.constants import MEASURABLE, NOT_MEASURED, RULES
from heapkit.calibration.text import effects_of, lines_of, verdict_of
from heapkit.costs import DOUBTED, EMULATED, MEASURED, NAMES

EXPECTED = {
    "allocate_call": 4000,
    "free_call": 2500,
    "buddy_block": 240,
    "zero_page": 348,  # less buddy_page, 2 ns assumed
    "zero_page_64k": 348,
    "zero_page_1m": 348,
    "cma_call": 80_000,
    "cma_page": 352,
    "sync_call": 320,
    "mmap_call": 1500,
    "mmap_page": 15,
    "mmap_entry": 600,
    "clean_line": 3,
    "invalidate_line": 4,
    "dirty_line": 5,
    "cpu_read_line": 4.5,
}


def test_every_constant_is_measurable_or_says_why_not():
    assert set(MEASURABLE) | set(NOT_MEASURED) == set(NAMES)
    assert not set(MEASURABLE) & set(NOT_MEASURED)


def test_a_rule_that_takes_a_constant_off_comes_after_it():
    seen = []
    for rule in RULES:
        assert set(rule.less) <= {*seen, *NOT_MEASURED}
        seen.append(rule.constant)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_constant_is_what_the_times_were_made_of(calibrated, name):
    claim = calibrated().measured[name]
    assert claim.low <= claim.value <= claim.high
    assert claim.value == pytest.approx(EXPECTED[name], rel=0.1)


def test_what_was_measured_is_called_so_with_its_source_and_interval(calibrated):
    cost = calibrated().costs["allocate_call"]
    assert cost.status == MEASURED
    for part in ("system heap, allocate per call", "95 % interval", "Cortex-A76"):
        assert part in cost.source
    assert "Linux 6.12.1, 2026-01-02" in cost.source


def test_what_was_not_measured_stays_as_in_the_base(calibrated):
    found = calibrated()
    default = hk.Costs.default()
    for name in NOT_MEASURED:
        assert found.costs[name] == default[name]
        assert found.why_unmeasured(name) == NOT_MEASURED[name]
    assert "udmabuf" in found.why_unmeasured("memfd_page")


def test_without_a_system_heap_a_program_zeroes_in_the_kernels_place(calibrated):
    found = calibrated(keep=lambda place: place.kind == "area")
    by_block = [found.costs[f"zero_page{end}"].value for end in ("", "_64k", "_1m")]
    assert by_block == pytest.approx([300, 250, 220], rel=0.1)
    assert "zero by 64 KiB" in found.costs["zero_page_64k"].source
    assert found.costs["allocate_call"].status == "assumed"


def test_the_machine_says_its_line_and_its_cache(calibrated):
    costs = calibrated(line_bytes=128, cache_bytes=4 * MiB).costs
    assert (costs["line_bytes"].value, costs["cache_bytes"].value) == (128, 4 * MiB)
    unknown = calibrated(cache_bytes=0)
    assert unknown.costs["cache_bytes"] == hk.Costs.default()["cache_bytes"]
    assert unknown.why_unmeasured("cache_bytes") == "the machine does not say"


def test_a_difference_that_may_be_nothing_is_not_claimed(calibrated):
    found = calibrated(keep=lambda place: place.kind == "area")
    clean, dirty = "write back clean lines", "write back dirty lines"
    others = [s for s in found.samples if s.operation != dirty]
    same = [replace(s, operation=dirty) for s in others if s.operation == clean]
    found = replace(found, samples=(*others, *same))
    assert "dirty_line" not in found.measured
    assert "includes 0" in found.why_unmeasured("dirty_line")
    assert found.costs["dirty_line"].status == "assumed"


def test_an_unknown_constant_is_refused(calibrated):
    with pytest.raises(ValueError, match="'speed'"):
        calibrated().why_unmeasured("speed")


def test_a_board_takes_the_costs_and_a_replay_is_charged_them(calibrated):
    costs = calibrated().costs
    memory = hk.Memory(total=64 * MiB)
    board = hk.Board(name="b", memory=memory, heaps=(hk.SystemHeap(),), costs=costs)
    trace = hk.Trace.from_columns(
        op=[0], buffer=[0], size=[1 * MiB], heap=["system"], time_ns=[0]
    )
    run = hk.replay(trace, board, breakdown=True)
    charged = run.breakdown(0)
    assert charged["allocate_call"] == pytest.approx(costs["allocate_call"].value)
    assert charged["zero_page_1m"] == pytest.approx(256 * costs["zero_page_1m"].value)


# --- Belief --------------------------------------------------------------------


def test_a_quiet_machine_is_trusted(calibrated):
    found = calibrated()
    assert found.trusted
    assert found.why_not == ()
    assert "Trusted." in verdict_of(found)


@pytest.mark.parametrize(
    ("facts", "status", "said"),
    [
        ({"cpu": "QEMU TCG CPU version 2.5+"}, EMULATED, "translates every"),
        ({"hypervisor": "TCGTCGTCGTCG"}, EMULATED, "translates every"),
        ({"vendor": "linux,dummy-virt"}, EMULATED, "may translate"),
        ({"hypervisor": "KVMKVMKVM"}, DOUBTED, r"virtual machine \(KVM\)"),
        ({"vendor": "QEMU", "hypervisor": "KVMKVMKVM"}, DOUBTED, "virtual machine"),
        ({"page_bytes": 16384}, DOUBTED, "16384 bytes"),
        ({"clock_ns": 4e6}, DOUBTED, "within 4 ms"),
        ({"noise": 0.3}, DOUBTED, "noisy"),
    ],
)
def test_a_doubtful_machine_is_not_trusted_and_its_constants_say_so(
    calibrated, facts, status, said
):
    found = calibrated(**facts)
    assert not found.trusted
    (reason,) = found.why_not
    assert re.search(said, reason)
    measured = [c for c in found.costs.values() if not found.why_unmeasured(c.name)]
    assert measured
    assert {cost.status for cost in measured} == {status}


def test_a_clock_with_steps_claims_nothing_that_it_cannot_see(calibrated):
    found = calibrated(clock_ns=4e6)
    assert not found.measured
    assert "step of the clock" in found.why_unmeasured("sync_call")


# --- Shown ---------------------------------------------------------------------


def test_the_effect_of_a_pool_is_said(calibrated):
    found = calibrated()
    place = found.places[0]
    assert found.pool_effect(place, "allocate")[64 * KiB] == pytest.approx(0.6, rel=0.1)
    (line,) = effects_of(found)
    assert line.startswith("system heap, allocate, repeated over fresh: 4 KiB 0.6")


def test_the_table_lists_every_constant_those_measured_first(calibrated):
    found = calibrated()
    lines = lines_of(found)
    assert sorted(line[0] for line in lines) == sorted(NAMES)
    statuses = [line[4] for line in lines]
    assert MEASURED not in statuses[statuses.count(MEASURED) :]


def test_a_notebook_shows_doubts_statuses_and_escapes(calibrated):
    page = calibrated(cpu="<b>fast</b>", hypervisor="TCGTCGTCGTCG")._repr_html_()
    assert EMULATED in page
    assert "Not to be trusted" in page
    assert "<b>fast" not in page


def test_frames_have_a_row_for_each_size_and_for_each_term(calibrated):
    found = calibrated()
    assert set(found.to_frame().columns) >= {"place", "operation", "median_ns", "noise"}
    assert "sync" not in set(found.to_frame().operation)
    table = found.table
    assert len(table) == sum(len(f.terms) for f in found.fit.values())
    assert (table[table.why_not == ""].low > 0).all()


def test_the_repr_says_how_many_and_whether_to_trust(calibrated):
    assert "not trusted" in repr(calibrated(hypervisor="KVMKVMKVM"))
    assert "; trusted" in repr(calibrated())


# --- Kept ----------------------------------------------------------------------


def test_what_is_saved_is_read_again(calibrated, tmp_path):
    found = calibrated()
    found.save(tmp_path / "here.json")
    again = Calibration.read(tmp_path / "here.json")
    assert again.machine == found.machine
    assert again.costs == found.costs
    assert [p.name for p in tmp_path.iterdir()] == ["here.json"]
    for mine, theirs in zip(found.samples, again.samples, strict=True):
        assert np.array_equal(mine.ns, theirs.ns)


def broken(held, change):
    copy = json.loads(held)
    change(copy)
    return json.dumps(copy)


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.update(format="heapkit calibration 9"),
        lambda held: held.pop("machine"),
        lambda held: held["machine"].update(clock_ns="slow"),
        lambda held: held["samples"][0].update(ns=[]),
        lambda held: held["samples"][0].update(ns=[-1]),
        lambda held: held["samples"][0].update(kind="heaps"),
        lambda held: held["samples"][0].update(size=0),
        lambda held: held["base"].pop(),
        lambda held: held["base"][0].update(status="dreamt"),
        lambda held: held.update(samples=3),
    ],
)
def test_a_file_that_is_not_whole_is_a_format_error(calibrated, tmp_path, change):
    path = tmp_path / "here.json"
    calibrated().save(path)
    path.write_text(broken(path.read_text(), change))
    with pytest.raises(hk.FormatError, match=r"here\.json"):
        Calibration.read(path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00\xff", '{"format": 1}'])
def test_a_foreign_file_is_a_format_error(tmp_path, text):
    path = tmp_path / "foreign.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(hk.FormatError, match=r"foreign\.json"):
        Calibration.read(path)
