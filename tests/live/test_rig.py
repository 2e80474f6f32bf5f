# SPDX-License-Identifier: MIT
"""The rig's own promises, without booting anything."""

from __future__ import annotations

import os
import shutil
import sys

import pytest

from tests.conftest import skip_or_fail
from tests.live import rig


def test_a_child_is_ended_with_its_block(tmp_path):
    with rig._child(["sleep", "600"], tmp_path / "log", 600) as child:
        assert child.poll() is None
    assert child.returncode is not None


def test_a_child_that_hangs_is_ended_at_its_limit(tmp_path):
    with rig._child(["sleep", "600"], tmp_path / "log", 0.2) as child:
        assert child.wait(timeout=60) == 124  # timeout(1)'s word for it


def test_what_a_child_says_is_kept(tmp_path):
    log = tmp_path / "log"
    with rig._child(["sh", "-c", "echo out; echo err >&2"], log, 60) as child:
        child.wait(timeout=60)
    assert log.read_text() == "out\nerr\n"


def test_the_command_survives_the_shell(tmp_path):
    rig._write_command(["echo", "a b", "$HOME"], tmp_path)
    last = (tmp_path / "command.sh").read_text().splitlines()[-1]
    assert last == "exec echo 'a b' '$HOME'"


def test_a_status_of_an_earlier_guest_is_forgotten(tmp_path):
    (tmp_path / "status").write_text("0")
    rig._write_command(["true"], tmp_path)
    assert not (tmp_path / "status").exists()


def test_a_chosen_kernel_is_booted_instead(monkeypatch, tmp_path):
    monkeypatch.setenv("HEAPKIT_KERNEL", str(tmp_path / "bzImage"))
    assert rig.kernel() == tmp_path / "bzImage"


@pytest.mark.parametrize(
    ("package", "version"),
    [
        ("linux-image-6.12.48+deb13-cloud-amd64", (6, 12)),
        ("linux-image-6.1.0-56-cloud-amd64", (6, 1)),
        ("linux-image-cloud-amd64", ()),
    ],
)
def test_a_package_name_tells_the_kernels_version(package, version):
    assert rig.version(package) == version


def test_a_kernel_that_apt_does_not_know_is_told_with_the_way_out(monkeypatch):
    if shutil.which("apt-cache") is None:
        skip_or_fail("no apt to ask for a kernel")
    monkeypatch.setattr(rig, "KERNEL_PACKAGES", ("no-such-kernel",))
    with pytest.raises(rig.RigError, match="HEAPKIT_KERNEL"):
        rig._kernel_package()


def test_a_failed_command_is_told_with_its_words():
    with pytest.raises(rig.RigError, match="ls: cannot access"):
        rig._ask("ls", "/no such place")


def test_another_machine_is_told_what_the_rig_needs(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "Linux only" in rig.missing()


def test_a_user_without_root_is_told_why(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    reason = rig.missing()
    assert "root" in reason or "x86-64" in reason
