# SPDX-License-Identifier: MIT
"""What a tree of /proc and /sys tells of a machine."""

import pytest

from heapkit import GiB, KiB, MiB, _ffi
from heapkit.calibration.machine import available_bytes, this_machine


@pytest.fixture
def tree(tmp_path, monkeypatch):
    monkeypatch.setattr(_ffi, "hypervisor", lambda: "")

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


CPU = "sys__devices__system__cpu__"


def test_an_empty_tree_says_nothing_and_is_no_emulator(tree):
    machine = this_machine(tree())
    assert (machine.cpu, machine.cache_bytes, machine.governor) == ("", 0, "")
    assert not machine.emulated
    assert not machine.virtual
    assert machine.settings == "governor, turbo and SMT cannot be read"
    assert machine.clock_ns > 0


def test_settings_are_read_and_said(tree):
    root = tree(
        **{
            f"{CPU}cpu0__cpufreq__scaling_governor": "schedutil\n",
            f"{CPU}intel_pstate__no_turbo": "0\n",
            f"{CPU}smt__control": "on\n",
        }
    )
    assert this_machine(root).settings == "governor schedutil, turbo on, SMT on"


@pytest.mark.parametrize(("boost", "said"), [("1", "on"), ("0", "off")])
def test_the_boost_of_cpufreq_is_a_turbo(tree, boost, said):
    assert this_machine(tree(**{f"{CPU}cpufreq__boost": boost})).turbo == said


def test_the_last_cache_is_the_highest_level_that_holds_data(tree):
    files = {}
    for i, (level, kind, size) in enumerate(
        [(1, "Data", "32K"), (1, "Instruction", "64K"), (2, "Unified", "512K")]
    ):
        for name, text in (("level", str(level)), ("type", kind), ("size", size)):
            files[f"{CPU}cpu0__cache__index{i}__{name}"] = f"{text}\n"
    assert this_machine(tree(**files)).cache_bytes == 512 * KiB


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("processor\t: 0\nmodel name\t: AMD EPYC\n", "AMD EPYC"),
        ("CPU part\t: 0xd0b\n", "CPU part 0xd0b"),
        ("CPU part\t: 0xd0b\nModel\t: Raspberry Pi 5\n", "Raspberry Pi 5"),
    ],
)
def test_the_cpu_has_a_name(tree, cpuinfo, name):
    assert this_machine(tree(proc__cpuinfo=cpuinfo)).cpu == name


@pytest.mark.parametrize(
    "files",
    [
        {"proc__cpuinfo": "model name\t: QEMU TCG CPU version 2.5+\n"},
        {"sys__class__dmi__id__sys_vendor": "QEMU\n"},
        {"proc__device-tree__compatible": "linux,dummy-virt\0"},
    ],
)
def test_an_emulator_is_found_out(tree, files):
    assert this_machine(tree(**files)).emulated


def test_a_hypervisor_that_does_not_say_its_name_is_one_still(tree):
    machine = this_machine(tree(proc__cpuinfo="flags\t\t: fpu hypervisor sse2\n"))
    assert "virtual machine (unnamed)" in machine.virtual
    xen = this_machine(tree(sys__hypervisor__type="xen\n"))
    assert "virtual machine (xen)" in xen.virtual


def test_a_cpu_that_knows_its_hypervisor_is_believed(tree, monkeypatch):
    monkeypatch.setattr(_ffi, "hypervisor", lambda: "TCGTCGTCGTCG")
    assert this_machine(tree()).emulated
    monkeypatch.setattr(_ffi, "hypervisor", lambda: "KVMKVMKVM")
    machine = this_machine(tree(sys__class__dmi__id__sys_vendor="QEMU\n"))
    assert not machine.emulated
    assert "(KVM)" in machine.virtual


def test_available_memory_is_the_kernels_estimate(tree):
    root = tree(proc__meminfo="MemTotal: 9 kB\nMemAvailable:    2048 kB\n")
    assert available_bytes(root) == 2 * MiB
    (root / "proc/meminfo").unlink()
    assert available_bytes(root) < 1024 * GiB
