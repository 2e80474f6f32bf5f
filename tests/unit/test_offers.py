# SPDX-License-Identifier: MIT
"""What a machine offers: a row per capability, with what would give it."""

import os

import pytest

import heapkit as hk
from heapkit import offers
from heapkit.backends import live


@pytest.fixture(scope="module")
def doctor():
    return hk.doctor()


def test_every_capability_is_one_row_with_a_state(doctor):
    names = [offer.capability for offer in doctor.offers]
    assert len(names) == len(set(names))
    assert {offer.state for offer in doctor.offers} <= {"yes", "in part", "no"}


def test_what_is_missing_says_what_would_give_it(doctor):
    for offer in doctor.offers:
        assert offer.why
        assert bool(offer.remedy) == (offer.state != "yes"), offer


def test_simulation_works_here(doctor):
    assert doctor.offer("simulated heaps").state == "yes"
    assert doctor.simulation_fault is None


def test_heaps_that_are_missing_are_told_in_a_sentence(monkeypatch):
    monkeypatch.setattr(live, "missing", lambda *_: "There is no kernel.")
    offer = hk.doctor().offer("DMA-BUF heaps")
    assert (offer.state, offer.why) == ("no", "There is no kernel.")
    assert offer.remedy.startswith("make live")


def test_file_system_that_is_there_and_empty_is_not_mounted(tmp_path):
    offer = offers._mount("tracefs", str(tmp_path), "CONFIG_FTRACE", "sudo x")
    assert offer.remedy == f"sudo mount -t tracefs none {tmp_path}"


def test_file_system_that_is_not_there_names_its_option(tmp_path):
    offer = offers._mount("debugfs", str(tmp_path / "no"), "CONFIG_DEBUG_FS", "sudo x")
    assert offer.remedy == "CONFIG_DEBUG_FS"


def test_node_that_may_not_be_opened_names_the_way(tmp_path, monkeypatch):
    node = tmp_path / "udmabuf"
    node.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    offer = offers._node("udmabuf", node, "CONFIG_UDMABUF")
    assert offer.state == "no"
    assert offer.remedy == f"sudo setfacl -m u:{os.geteuid()}:rw {node}"


@pytest.mark.parametrize(
    ("cpuinfo", "state"),
    [
        ("model name\t: QEMU TCG CPU version 2.5+\n", "no"),
        ("flags\t\t: fpu hypervisor\n", "in part"),
        ("flags\t\t: fpu\n", "yes"),
    ],
)
def test_times_are_believed_where_the_processor_is_one(
    tmp_path, monkeypatch, cpuinfo, state
):
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(offers, "_CPUINFO", tmp_path / "cpuinfo")
    assert offers._processor().state == state


def test_it_is_a_table_in_a_notebook(doctor):
    html = doctor._repr_html_()
    assert html.startswith("<table")
    assert "simulated heaps" in html
    assert len(doctor.to_frame()) == len(doctor.offers)
    assert len(repr(doctor).splitlines()) == len(doctor.offers)
