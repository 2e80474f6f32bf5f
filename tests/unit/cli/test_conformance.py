# SPDX-License-Identifier: MIT
"""What ``heapkit conformance`` prints, keeps and compares, and when it says no."""

import json

import pytest

from heapkit.backends import live

PHONE = ("conformance", "--board", "phone-8g", "--heap", "system")
QUICK = (*PHONE, "--check", "sync.*")


def test_heap_that_answers_as_linux_does_is_a_yes(output):
    assert output(*PHONE).startswith("sim, Linux 6.12")


def test_tap_is_printed(output):
    assert output(*QUICK, "--tap").startswith("TAP version 13\n")


def test_json_has_every_row(output):
    rows = json.loads(output(*QUICK, "--json"))["rows"]
    assert {row["verdict"] for row in rows} == {"ok"}


def test_answer_of_another_kernel_is_a_no(heapkit, monkeypatch):
    from heapkit.conformance import kernels

    monkeypatch.setitem(kernels()["7.3"], "options", {})
    words = (*PHONE, "--check", "mmap.exec", "--kernel", "7.3")
    status, out, err = heapkit(*words)
    assert (status, err) == (1, "")
    assert "expected EPERM; answer ok" in out


def test_report_is_kept_and_compared(output, tmp_path):
    path = tmp_path / "report.json"
    output(*QUICK, "--save", path)
    assert "0 DIFFERS" in output(*QUICK, "--compare", path)
    told = json.loads(output(*QUICK, "--compare", path, "--json"))
    assert told["comparison"]["ok"]
    assert "# sim, Linux" in output(*QUICK, "--compare", path, "--tap")


def test_difference_is_a_no_with_both_answers(heapkit, tmp_path):
    path = tmp_path / "report.json"
    heapkit(*QUICK, "--save", path)
    told = json.loads(path.read_text())
    told["rows"][0]["answer"] = "EIO"
    path.write_text(json.dumps(told))
    status, out, _ = heapkit(*QUICK, "--compare", path)
    assert status == 1
    assert "simulated system: ok" in out
    assert "live system: EIO" in out


@pytest.mark.skipif(live.missing() is None, reason="this machine has heaps")
def test_machine_without_heaps_is_told_in_one_line(complaint):
    assert "CONFIG_DMABUF_HEAPS" in complaint("conformance", "--live")


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--board", "phone"), "phone"),
        (("--board", "phone-8g", "--kernel", "2.6"), "kernel="),
        (("--board", "phone-8g", "--heap", "none"), "none"),
        (("--board", "phone-8g", "--check", "none"), "checks="),
        (("--board", "phone-8g", "--compare", "none.json"), "none.json"),
        ((), "--board"),
    ],
)
def test_wrong_use_is_told_in_one_line(complaint, words, named):
    assert named in complaint("conformance", *words)
