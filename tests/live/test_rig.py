# SPDX-License-Identifier: MIT
"""The rig's own promises, without booting anything."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.conftest import skip_or_fail
from tests.live import boot, debian, kernels, processes
from tests.live.debian import RigError


def test_a_child_is_ended_with_its_block(tmp_path):
    with processes.child(["sleep", "600"], tmp_path / "log", 600) as child:
        assert child.poll() is None
    assert child.returncode is not None


def test_a_child_that_hangs_is_ended_at_its_limit(tmp_path):
    with processes.child(["sleep", "600"], tmp_path / "log", 0.2) as child:
        assert child.wait(timeout=60) == 124  # timeout(1)'s word for it


def test_what_a_child_says_is_kept(tmp_path):
    log = tmp_path / "log"
    with processes.child(["sh", "-c", "echo out; echo err >&2"], log, 60) as child:
        child.wait(timeout=60)
    assert log.read_text() == "out\nerr\n"


def test_the_command_survives_the_shell(tmp_path):
    boot._write_command(["echo", "a b", "$HOME"], tmp_path)
    last = (tmp_path / "command.sh").read_text().splitlines()[-1]
    assert last == "exec echo 'a b' '$HOME'"


def test_a_status_of_an_earlier_guest_is_forgotten(tmp_path):
    (tmp_path / "status").write_text("0")
    boot._write_command(["true"], tmp_path)
    assert not (tmp_path / "status").exists()


def test_what_the_guest_said_is_shown_after_what_qemu_said(tmp_path):
    (tmp_path / "console.log").write_bytes(b"panic \xff\n")
    (tmp_path / "qemu.log").write_text("no kernel\n")
    result = boot.Result(None, 1.0, tmp_path)
    assert result.console == "no kernel\npanic \ufffd\n"


@pytest.mark.parametrize("name", kernels.NAMES)
def test_an_accelerator_is_emulation_unless_chosen(monkeypatch, name):
    monkeypatch.delenv("HEAPKIT_ACCEL", raising=False)
    assert boot.accelerator(name) == "tcg"


@pytest.mark.parametrize(("status", "accel"), [(0, "kvm"), (None, "tcg")])
def test_kvm_is_used_after_a_guest_has_ended_on_it(
    monkeypatch, tmp_path, status, accel
):
    asked = []

    def run(*words, **named):
        asked.append((named["accel"], named["limit"]))
        return boot.Result(status, 1.0, tmp_path)

    monkeypatch.setenv("HEAPKIT_ACCEL", "kvm")
    monkeypatch.setattr(boot, "run", run)
    assert boot.accelerator("cma") == accel
    assert asked == [("kvm", 10)]


def test_a_kernel_that_apt_does_not_know_is_told_with_the_way_out():
    if shutil.which("apt-cache") is None:
        skip_or_fail("no apt to ask for a kernel")
    with pytest.raises(RigError, match="HEAPKIT_KERNEL"):
        debian.stands_for(("no-such-kernel",), (6, 12))


def test_a_source_that_apt_does_not_know_is_told_with_the_way_out():
    if shutil.which("apt-cache") is None:
        skip_or_fail("no apt to ask for a source")
    with pytest.raises(RigError, match="HEAPKIT_KERNEL_CMA"):
        debian.candidate("no-such-source")


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("linux-image-6.12.48+deb13-cloud-amd64", (6, 12)),
        ("linux-image-6.1.0-56-cloud-amd64", (6, 1)),
        ("linux-image-cloud-amd64", ()),
    ],
)
def test_a_package_name_tells_the_kernels_version(package, version):
    assert debian.version(package) == version


def test_a_failed_command_is_told_with_its_words():
    with pytest.raises(RigError, match="ls: cannot access"):
        debian.ask("ls", "/no such place")


def test_a_command_that_is_not_there_is_told(tmp_path):
    with pytest.raises(RigError, match="no-such-command"):
        debian.ask("no-such-command", "x", cwd=tmp_path)


def test_a_question_is_asked_again_with_a_new_index(monkeypatch):
    asked = []

    def question():
        asked.append("question")
        if len(asked) == 1:
            raise RigError("no index")
        return "answer"

    monkeypatch.setattr(debian, "ask", lambda *words, **_: asked.append(words[-1]))
    assert debian.with_index(question) == "answer"
    assert asked == ["question", "update", "question"]


@pytest.mark.parametrize("name", kernels.NAMES)
def test_another_machine_is_told_what_the_rig_needs(monkeypatch, name):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Linux only" in boot.missing(name)


def test_a_user_without_root_is_told_why(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    reason = boot.missing("stock")
    assert any(word in reason for word in ("root", "x86-64", "QEMU"))
