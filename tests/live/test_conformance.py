# SPDX-License-Identifier: MIT
"""What the heaps of real kernels answered, against what the simulation answers."""

from __future__ import annotations

import pytest

import heapkit as hk
from heapkit import MiB, conformance

# The simulated kernel that stands for each guest's.
KERNELS = {"stock": "6.12 stock", "cma": "6.12"}
LEAST = 100  # answers of a heap that were given on both sides
BOARD = hk.Board(
    name="rig",
    memory=hk.Memory(total=512 * MiB),
    heaps=(
        hk.SystemHeap(),
        hk.CmaHeap(name="reserved", size=64 * MiB),
        hk.UdmabufHeap(),
    ),
)


def reports(guest):
    """Those that the guest's tests left, by heap."""
    found = sorted((guest.output / "conformance").glob("*.json"))
    return {path.stem: conformance.Report.read(path) for path in found}


@pytest.fixture(scope="module")
def simulated():
    return {
        kernel: conformance.run(BOARD, kernel=name, progress=False)
        for kernel, name in KERNELS.items()
    }


def test_every_heap_left_its_report(guest):
    heaps = {"stock": {"system"}, "cma": {"system", "reserved"}}[guest.kernel]
    assert set(reports(guest)) >= heaps


def test_the_simulation_answers_as_the_kernel_does(guest, simulated, report):
    for heap, real in reports(guest).items():
        found = conformance.compare(simulated[guest.kernel], real)
        counts = found.counts()
        told = ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)
        report(f"conformance, {guest.kernel}, {heap}: {told}")
        assert found.ok, str(found)
        assert counts["same"] >= (LEAST if heap != "udmabuf" else LEAST // 2)


def test_a_differing_answer_would_be_seen(guest, simulated):
    """The comparison is no formality: one answer changed is one failure."""
    real = reports(guest)["system"]
    changed = tampered(real, "alloc.len.zero", "ok")
    (pair,) = conformance.compare(simulated[guest.kernel], changed).failures
    assert (pair.check, pair.simulated, pair.live) == ("alloc.len.zero", "EINVAL", "ok")


def tampered(report, check, answer):
    from dataclasses import replace

    rows = (replace(r, answer=answer) if r.check == check else r for r in report)
    return replace(report, rows=tuple(rows))
