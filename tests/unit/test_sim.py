# SPDX-License-Identifier: MIT
"""What only simulated heaps can show, and the bad input they meet."""

import errno
import itertools

import numpy as np
import pytest

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.backends.sim import SimBuf, SimHeap, SimHeaps
from heapkit.interface import DmaBuf, DmaHeap, Heaps, HeapView
from heapkit.snapshot import State

BASE = 0x1_0000_0000


def satisfies(heaps: Heaps, heap: DmaHeap, view: HeapView, buffer: DmaBuf) -> None:
    """A type checker compares; at run time the names are enough."""


def test_backend_satisfies_the_protocols(sim):
    heap = sim["camera"]
    satisfies(sim, heap, heap, heap.allocate(4096))
    for protocol, thing in ((Heaps, SimHeaps), (DmaHeap, SimHeap), (DmaBuf, SimBuf)):
        names = [n for n in vars(protocol) if not n.startswith("_")]
        assert all(hasattr(thing, name) for name in names)


@pytest.mark.parametrize("board", [None, "phone-8g", {"heaps": ()}])
def test_simulate_takes_a_board(board):
    with pytest.raises(ValueError, match="board="):
        hk.simulate(board)


@pytest.mark.parametrize("name", hk.Board.presets())
def test_every_preset_can_be_simulated(name):
    with hk.simulate(hk.Board.preset(name)) as heaps:
        for heap in heaps.values():
            with heap.allocate(64 * KiB) as buffer:
                assert sum(entry.size for entry in buffer.entries) == 64 * KiB
        heaps.check()


def test_two_simulations_share_nothing(bench):
    with hk.simulate(bench) as one, hk.simulate(bench) as other:
        one["camera"].allocate(16 * MiB)
        assert other["camera"].allocate(16 * MiB).size == 16 * MiB


def test_every_kind_places_and_rounds_as_it_does(sim):
    sizes = {name: sim[name].allocate(65 * KiB) for name in sim}
    entries = {name: [e.size // KiB for e in b.entries] for name, b in sizes.items()}
    assert entries["system"] == [64, 4]
    assert entries["default_cma_region"] == [68]
    assert entries["camera"] == [68]
    assert entries["video"] == [64, 64]
    assert {buffer.size for buffer in sizes.values()} == {68 * KiB}


def test_fallback_goes_on_when_a_heap_is_full(sim):
    chain = ("camera", "system")
    buffers = [sim.allocate(8 * MiB, chain) for _ in range(3)]
    assert [b.exp_name for b in buffers] == ["camera", "camera", "system"]


def test_enomem_names_every_heap_of_the_chain_and_the_size(sim):
    with pytest.raises(OSError, match=r"camera\|video: 16777217 bytes") as caught:
        sim.allocate(16 * MiB + 1, ("camera", "video"))
    assert caught.value.errno == errno.ENOMEM
    assert not isinstance(caught.value, ValueError)


def test_failed_allocation_leaves_nothing_behind(sim):
    before = sim["camera"].snapshot()
    for _ in range(3):
        with pytest.raises(OSError, match="camera"):
            sim["camera"].allocate(17 * MiB)
    assert sim["camera"].snapshot() == before
    assert sim.buffers == ()


def test_snapshot_tells_regions_and_owners(sim):
    one, two = (sim["camera"].allocate(MiB) for _ in range(2))
    two.set_name("preview")
    sim["camera"].allocate(MiB)
    one.close()
    snapshot = sim["camera"].snapshot()
    assert (snapshot.heap, snapshot.base, snapshot.size) == ("camera", BASE, 16 * MiB)
    told = [(r.address - BASE, r.size, r.owner, r.state) for r in snapshot.regions]
    assert told == [
        (0, MiB, "", State.FREE),
        (MiB, MiB, "preview", State.USED),
        (2 * MiB, MiB, "#2", State.USED),
        (3 * MiB, 13 * MiB, "", State.FREE),
    ]
    assert snapshot.largest_free_bytes == snapshot.largest_free == 13 * MiB


def test_snapshot_of_the_system_heap_spans_the_memory(sim, bench):
    sim["system"].allocate(1 * MiB + 4096)
    snapshot = sim["system"].snapshot()
    assert (snapshot.base, snapshot.size) == (bench.memory.base, bench.memory.total)
    assert sum(snapshot.attributes["buddyinfo"]) == len(snapshot.holes)
    assert snapshot.used_bytes == 1 * MiB + 4096
    assert snapshot.free_bytes == sim["system"].gauges().free_bytes


def test_snapshot_of_the_system_heap_counts_by_migratetype(sim, bench):
    sim["system"].allocate(1 * MiB + 4096)
    attributes = sim["system"].snapshot().attributes
    by_type = attributes["pagetypeinfo"]
    assert (
        tuple(map(sum, zip(*by_type.values(), strict=True)))
        == (attributes["buddyinfo"])
    )
    # The heap claimed one of the largest blocks; what is left of it is unmovable.
    assert attributes["pageblocks"]["unmovable"] == 2
    assert sum(attributes["pageblocks"].values()) == bench.memory.total // (2 * MiB)
    free = sum(n << order for order, n in enumerate(by_type["unmovable"]))
    assert free == 1024 - 257


def test_snapshot_regions_do_not_overlap(sim):
    for name in sim:
        for size in (4096, 68 * KiB, MiB):
            sim[name].allocate(size)
    for heap in sim.values():
        regions = heap.snapshot().regions
        assert all(a.end <= b.address for a, b in itertools.pairwise(regions))


def test_gauges_follow_the_heap(sim):
    sim["camera"].allocate(4 * MiB)
    gauges = sim["camera"].gauges()
    assert gauges == (12 * MiB, 12 * MiB, 0, 0)
    assert gauges.largest_free_bytes == 12 * MiB


def test_freed_pages_wait_until_time_passes(sim):
    heap = sim["system-pooled"]
    heap.allocate(4 * MiB).close()
    assert heap.gauges().deferred_bytes == 4 * MiB
    sim.advance(10**9)
    assert sim.now_ns == 10**9
    assert heap.gauges()[2:] == (4 * MiB, 0)
    assert heap.snapshot().attributes["pool_fill"] == {8: 4, 4: 0, 0: 0}


@pytest.mark.parametrize("ns", [-1, 1.5, True, float("nan"), 2**70])
def test_time_is_a_count_of_nanoseconds(sim, ns):
    with pytest.raises(ValueError, match="ns="):
        sim.advance(ns)


def test_memory_freed_under_one_name_is_placed_again(sim):
    first = sim["camera"].allocate(MiB)
    address = first.entries[0].address
    first.close()
    assert sim["camera"].allocate(MiB).entries[0].address == address


def test_buffer_lives_until_its_last_reference(sim):
    buffer = sim["camera"].allocate(MiB)
    others = [buffer.dup() for _ in range(3)]
    buffer.close()
    for other in others:
        assert sim["camera"].gauges().free_bytes == 15 * MiB
        other.close()
    assert sim["camera"].gauges().free_bytes == 16 * MiB


def test_forgotten_buffer_stays_allocated_and_can_be_found(sim):
    sim["camera"].allocate(MiB)
    (buffer,) = sim.buffers
    assert buffer.exp_name == "camera"


def test_secure_heap_cannot_be_mapped(sim):
    buffer = sim["protected,secure-video"].allocate(4096)
    with pytest.raises(OSError, match="secure") as caught:
        buffer.mmap()
    assert caught.value.errno == errno.EINVAL


def test_sync_of_a_secure_buffer_succeeds_and_does_nothing(sim):
    buffer = sim["protected,secure-video"].allocate(MiB)
    attachment = buffer.attach(sim.device("display"))
    attachment.map()
    bare = sim["protected,secure-video"].allocate(MiB)
    bare.begin_cpu_access()
    buffer.begin_cpu_access()
    assert buffer.latency_ns == bare.latency_ns


def test_sync_costs_what_the_mapped_devices_need(sim):
    buffer = sim["system"].allocate(1 * MiB)

    def cost():
        buffer.begin_cpu_access("r")
        return buffer.latency_ns

    nobody = cost()
    attachments = [buffer.attach(sim.device(name)) for name in ("isp", "gpu")]
    assert cost() == nobody
    attachments[0].map()
    one = cost() - nobody
    attachments[1].map()
    assert cost() - nobody == 2 * one > 0


def test_partial_sync_costs_less(sim):
    buffer = sim["camera"].allocate(1 * MiB)
    buffer.attach(sim.device("isp")).map()
    buffer.begin_cpu_access("r")
    whole = buffer.latency_ns
    buffer.begin_cpu_access("r", offset=4096, length=4096)
    part = buffer.latency_ns
    buffer.begin_cpu_access("r", offset=1 * MiB - 4096)
    assert buffer.latency_ns == part < whole / 50


@pytest.mark.parametrize(
    ("offset", "length"), [(0, MiB + 1), (MiB, 1), (MiB, None), (4096, MiB), (MiB, MiB)]
)
def test_part_that_leaves_the_buffer_is_einval(sim, offset, length):
    buffer = sim["camera"].allocate(MiB)
    with pytest.raises(OSError, match="sync") as caught:
        buffer.begin_cpu_access("r", offset=offset, length=length)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize(
    ("offset", "length"), [(-1, None), (0, -1), (0, 0), (1.5, None), (0, True)]
)
def test_part_that_is_none_is_a_value_error(sim, offset, length):
    buffer = sim["camera"].allocate(MiB)
    with pytest.raises(ValueError, match=r"offset=|length="):
        buffer.begin_cpu_access("r", offset=offset, length=length)


def test_attachment_goes_through_its_life(sim):
    buffer = sim["system"].allocate(MiB)
    attachment = buffer.attach(sim.device("isp"))
    attachment.map()
    assert attachment.latency_ns > 0
    attachment.unmap()
    attachment.detach()
    attachment.detach()


def test_attachment_shows_its_device_and_state(sim):
    with sim["camera"].allocate(4096) as buffer:
        attachment = buffer.attach(sim.device("isp"))
        assert repr(attachment) == "<Attachment isp attached>"
        attachment.map()
        assert repr(attachment) == "<Attachment isp mapped>"
        attachment.detach()
        assert repr(attachment) == "<Attachment isp detached>"


def test_attachment_keeps_the_buffer_after_close(sim):
    buffer = sim["camera"].allocate(MiB)
    with buffer.attach(sim.device("isp")) as attachment:
        buffer.close()
        attachment.map()
        assert sim["camera"].gauges().free_bytes == 15 * MiB
    assert sim["camera"].gauges().free_bytes == 16 * MiB


@pytest.mark.parametrize("calls", [["unmap"], ["map", "map"], ["detach", "map"]])
def test_attachment_refuses_calls_out_of_order(sim, calls):
    attachment = sim["camera"].allocate(MiB).attach(sim.device("isp"))
    *before, last = calls
    for call in before:
        getattr(attachment, call)()
    with pytest.raises(OSError, match="isp") as caught:
        getattr(attachment, last)()
    assert caught.value.errno == errno.EINVAL


def test_one_device_may_be_attached_twice(sim):
    buffer, device = sim["camera"].allocate(MiB), sim.device("isp")
    one, two = buffer.attach(device), buffer.attach(device)
    one.map()
    two.map()
    one.detach()
    two.unmap()
    two.detach()


def test_device_comes_from_the_board():
    board = hk.Board.preset("phone-8g")
    with hk.simulate(board) as heaps:
        name = board.devices[0].name
        assert heaps.device(name) is board.devices[0]
        with pytest.raises(ValueError, match=rf"nope.*{name}"):
            heaps.device("nope")


def test_board_without_devices_takes_any_name(sim):
    assert sim.device("isp") == hk.Device("isp")
    for i in range(63):
        sim.device(f"device{i}")
    with pytest.raises(ValueError, match="device63"):
        sim.device("device63")


def test_device_of_another_board_is_refused(sim):
    buffer = sim["camera"].allocate(MiB)
    for device in (hk.Device("never asked for"), "isp", None):
        with pytest.raises(ValueError, match="device="):
            buffer.attach(device)


def test_attachments_end_with_their_heaps(bench):
    with hk.simulate(bench) as heaps:
        buffer = heaps["camera"].allocate(MiB)
        attachment = buffer.attach(heaps.device("isp"))
        attachment.map()
    attachment.detach()
    buffer.close()


def test_ids_are_used_again(sim):
    for _ in range(100):
        with sim["camera"].allocate(4096) as buffer:
            assert buffer.entries[0].owner == "#0"


def test_memory_is_made_when_it_is_first_mapped(sim):
    buffer = sim["system"].allocate(64 * MiB)
    assert buffer._cell._memory is None
    assert not np.frombuffer(buffer.mmap(), np.uint8, count=MiB).any()


def test_full_heap_serves_again_after_a_free(sim):
    held = [sim["video"].allocate(64 * KiB) for _ in range(128)]
    with pytest.raises(OSError, match="video"):
        sim["video"].allocate(1)
    held[57].close()
    again = sim["video"].allocate(1).entries[0]
    assert again.address == sim.board.heap("video").base + 57 * 64 * KiB
