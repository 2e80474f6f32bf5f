# SPDX-License-Identifier: MIT
"""Accesses and mappings of a simulated buffer, one call at a time."""

import errno

import pytest

import heapkit as hk
from heapkit import KiB, MiB


@pytest.fixture
def buffer(sim):
    return sim["system"].allocate(MiB)


@pytest.fixture
def isp(sim, buffer):
    return buffer.attach(sim.device("isp"))


def kinds(sim):
    return [finding.kind for finding in sim.findings]


def test_a_parts_list_adds_up_to_the_latency(sim, buffer, isp):
    isp.map()
    assert buffer.breakdown["clean_line"] > 0
    assert sum(buffer.breakdown.values()) == pytest.approx(buffer.latency_ns, abs=1)


def test_what_a_device_wrote_is_stale_until_the_cpu_asks(sim, buffer, isp):
    isp.map()
    isp.write(length=4 * KiB)
    buffer.cpu_read(length=100)
    assert kinds(sim) == ["STALE_CPU_READ"]
    buffer.begin_cpu_access("r")
    buffer.cpu_read()
    buffer.end_cpu_access("r")
    assert kinds(sim) == ["STALE_CPU_READ"]


def test_a_finding_names_buffer_device_and_bytes(sim, buffer, isp):
    isp.map()
    buffer.cpu_write(offset=4 * KiB, length=100)
    isp.read()
    (finding,) = sim.findings
    assert (finding.kind, finding.op) == ("STALE_DEVICE_READ", hk.Op.DEVICE_READ)
    assert (finding.buffer, finding.device) == (0, "isp")
    assert (finding.offset, finding.bytes) == (4 * KiB, 128)


def test_a_device_that_is_not_mapped_is_found(sim, buffer, isp):
    isp.write()
    assert kinds(sim)[0] == "UNMAPPED_DEVICE"


def test_a_mapping_that_skips_the_sync_costs_no_maintenance(sim, buffer, isp):
    isp.map(skip_cpu_sync=True)
    assert set(buffer.breakdown) == {"map_entry"}
    isp.unmap()
    assert set(buffer.breakdown) == {"unmap_entry"}


def test_calls_that_do_not_pair_succeed_and_are_found(sim, buffer):
    buffer.end_cpu_access("r")
    buffer.begin_cpu_access("r")
    buffer.begin_cpu_access("w")
    buffer.end_cpu_access("rw")
    assert kinds(sim) == [
        "END_WITHOUT_BEGIN",
        "NESTED_BEGIN",
        "DIRECTION_MISMATCH",
    ]


def test_a_vmap_is_counted_and_paid_once(sim, buffer):
    buffer.vmap()
    paid = buffer.latency_ns
    buffer.vmap()
    assert (paid > 0, buffer.latency_ns) == (True, 0)
    buffer.vunmap()
    buffer.vunmap()
    with pytest.raises(OSError, match="vunmap") as caught:
        buffer.vunmap()
    assert caught.value.errno == errno.EINVAL


def test_a_mapping_for_a_program_is_paid_by_the_page(sim, buffer):
    buffer.mmap()
    assert buffer.breakdown["mmap_page"] == 256 * sim.board.costs["mmap_page"].value
    buffer.close()
    assert not sim.findings


def test_the_cpu_cannot_reach_protected_memory(sim):
    buffer = sim["protected,secure-video"].allocate(MiB)
    for use in (buffer.cpu_read, buffer.cpu_write):
        with pytest.raises(OSError, match="Bad address") as caught:
            use()
        assert caught.value.errno == errno.EFAULT
    with pytest.raises(OSError, match="vmap") as caught:
        buffer.vmap()
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("part", [{"offset": MiB, "length": 1}, {"length": MiB + 1}])
def test_an_access_outside_of_the_buffer_is_a_fault(sim, buffer, isp, part):
    isp.map()
    for use in (buffer.cpu_write, isp.read):
        with pytest.raises(OSError, match="Bad address"):
            use(**part)


def test_a_device_that_is_gone_does_not_read(sim, buffer, isp):
    isp.detach()
    with pytest.raises(OSError, match="detached"):
        isp.read()
