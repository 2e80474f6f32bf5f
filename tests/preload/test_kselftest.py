# SPDX-License-Identifier: MIT
"""The kernel's own selftest, unmodified, on the heaps of each board."""

import pytest

import heapkit as hk
from heapkit import MiB
from tests.live.debian import RigError
from tests.preload import kselftest

# Of each heap: 1 import into a device, 2 sizes of zeroed memory, 2 layouts of the
# struct, 6 errors. Without a vgem device the import is skipped.
OF_A_HEAP = 11


@pytest.fixture(scope="module")
def selftest():
    from tests.conftest import skip_or_fail

    try:
        return str(kselftest.binary())
    except RigError as error:
        skip_or_fail(f"no source of the kernel's selftest: {error}")


def plain_heaps():
    """Heaps of every kind that the CPU can map: a protected one fails this test."""
    return hk.Board(
        name="plain",
        memory=hk.Memory(total=512 * MiB, base=0x8000_0000),
        heaps=(
            hk.SystemHeap(),
            hk.SystemHeap(name="system-pooled", pool=hk.PagePool()),
            hk.CmaHeap(size=64 * MiB),
            hk.CarveoutHeap(name="camera", size=64 * MiB, base=0x1_0000_0000),
            hk.ChunkHeap(name="video", size=64 * MiB),
        ),
    )


def test_every_test_passes_on_heaps_of_every_kind(run, selftest, report):
    board = plain_heaps()
    ran = run(selftest, board=board)
    told = kselftest.totals(ran.output)
    report(f"kernel's selftest under preload: {told} on {len(board.heaps)} heaps")
    assert ran.status == 0, ran.output
    assert told.failed == 0
    assert told.passed + told.skipped == OF_A_HEAP * len(board.heaps)


def test_only_the_import_into_a_device_is_skipped(run, selftest):
    skipped = [
        line
        for line in run(selftest, board=plain_heaps()).output.splitlines()
        if "# SKIP" in line
    ]
    assert all("Could not open vgem" in line for line in skipped)


def test_the_buffer_it_forgets_where_there_is_no_device_is_told(run, selftest):
    ran = run(selftest, board=plain_heaps())
    skipped = kselftest.totals(ran.output).skipped
    assert [(held.size, held.name) for held in ran.left] == [(1 * MiB, "")] * skipped


def test_an_injected_failure_fails_the_test_of_that_heap_alone(run, selftest):
    ran = run(selftest, board=plain_heaps(), fail={"camera": 1})
    assert kselftest.totals(ran.output).failed == 1
    assert ran.counts["injected"] == 1
