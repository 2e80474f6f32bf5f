# SPDX-License-Identifier: MIT
"""ION's side of a simulated board: priority, errors, handles and descriptors."""

from __future__ import annotations

import errno

import pytest

import heapkit as hk
from heapkit import MiB, ion

IDS = {
    "system": 0,
    "default_cma_region": 2,
    "video": 3,
    "camera": 4,
    "protected,secure-video": 9,
}


@pytest.fixture
def client(sim):
    with ion.Client(sim, IDS) as client:
        yield client


@pytest.fixture(params=["fd", "android"])
def later(request, sim):
    return ion.Client(sim, IDS, era=request.param)


def error_of(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except OSError as error:
        return error.errno
    return 0


def served_by(client, length, *names):
    number = client.alloc(length, heap_id_mask=client.mask(*names))
    return client.buffer(number).exp_name


# --- Priority and fallback ---------------------------------------------------


def test_highest_id_of_the_mask_is_asked_first(client):
    assert served_by(client, 4096, "system", "camera", "video") == "camera"
    assert served_by(client, 4096, "system", "video") == "video"
    assert served_by(client, 4096, "system") == "system"


def test_full_heap_falls_back_to_the_next_lower_id(client):
    assert served_by(client, 16 * MiB, "camera", "system") == "camera"
    assert served_by(client, 1 * MiB, "camera", "system") == "system"


def test_order_of_asking_is_shown(client):
    assert client.in_mask(0xFFFFFFFF) == (
        "protected,secure-video",
        "camera",
        "video",
        "default_cma_region",
        "system",
    )
    assert client.in_mask(1 << 4 | 1) == ("camera", "system")


def test_any_error_goes_on_to_the_next_heap_not_enomem_only(client):
    mask = client.mask("video", "camera")
    # The carveout aligns to pages only, the chunk heap up to its chunk.
    handle = client.alloc(4096, 65536, heap_id_mask=mask)
    assert client.buffer(handle).exp_name == "video"


def test_error_of_the_last_heap_tried_is_the_answer(client):
    mask = client.mask("camera", "default_cma_region")
    assert error_of(client.alloc, 64 * MiB, heap_id_mask=mask) == errno.EPERM
    mask = client.mask("camera", "system")
    assert error_of(client.alloc, 1 << 40, heap_id_mask=mask) == errno.ENOMEM


# --- Errors ------------------------------------------------------------------


@pytest.mark.parametrize("mask", [0, 1 << 1, 1 << 31])
def test_mask_without_a_heap_is_enodev(client, mask):
    assert error_of(client.alloc, 4096, heap_id_mask=mask) == errno.ENODEV


@pytest.mark.parametrize("length", [0, 2**64 - 1])
def test_no_bytes_are_einval_whatever_the_mask(client, length):
    assert error_of(client.alloc, length, heap_id_mask=0) == errno.EINVAL


@pytest.mark.parametrize(
    ("name", "align", "code"),
    [
        ("camera", 4096, 0),
        ("camera", 8192, errno.EINVAL),
        ("system", 8192, errno.EINVAL),
        ("default_cma_region", 8192, errno.EINVAL),
        ("video", 65536, 0),
        ("video", 65537, errno.EINVAL),
    ],
)
def test_alignment_a_heap_cannot_give_is_einval(client, name, align, code):
    mask = client.mask(name)
    assert error_of(client.alloc, 4096, align, heap_id_mask=mask) == code


def test_cached_memory_from_the_old_cma_heap_is_einval(client):
    mask = client.mask("default_cma_region")
    call = client.alloc
    flags = ion.Flag.CACHED
    assert error_of(call, 4096, heap_id_mask=mask, flags=flags) == errno.EINVAL
    assert error_of(call, 4096, heap_id_mask=mask) == 0


def test_old_cma_heap_says_eperm_where_it_means_enomem(client):
    mask = client.mask("default_cma_region")
    assert error_of(client.alloc, 64 * MiB, heap_id_mask=mask) == errno.EPERM


def test_later_cma_heap_says_enomem_and_gives_cached_memory(later):
    mask = later.mask("default_cma_region")
    assert error_of(later.alloc, 64 * MiB, heap_id_mask=mask) == errno.ENOMEM
    assert error_of(later.alloc, 4096, heap_id_mask=mask, flags=1) == 0


def test_system_heap_gives_no_buffer_of_more_than_half_the_memory(client):
    half = ion.rules.totalram_pages(client.heaps.board) // 2 * 4096
    mask = client.mask("system")
    call = client.alloc
    assert error_of(call, half + 4096, heap_id_mask=mask) == errno.ENOMEM
    assert error_of(call, 100 * MiB, heap_id_mask=mask) == 0


def test_memory_reserved_inside_does_not_count_for_the_half():
    inside = hk.CarveoutHeap(name="camera", size=64 * MiB, base=0)
    memory = hk.Memory(total=256 * MiB)
    board = hk.Board(name="b", memory=memory, heaps=(hk.SystemHeap(), inside))
    assert ion.rules.totalram_pages(board) == 192 * MiB // 4096


def test_alignment_is_no_field_of_the_later_struct(later):
    with pytest.raises(ValueError, match="align="):
        later.alloc(4096, 4096, heap_id_mask=1)


@pytest.mark.parametrize("call", ["free", "share", "import_", "sync"])
def test_later_kernels_know_no_handles(later, call):
    assert error_of(getattr(later, call), 3) == errno.ENOTTY


def test_only_androids_kernels_tell_a_version(sim, client):
    assert ion.Client(sim, IDS, era="android").abi_version() == 2
    assert error_of(client.abi_version) == errno.ENOTTY


def test_request_without_cached_is_served_by_the_uncached_twin():
    heaps = (hk.SystemHeap(), hk.SystemHeap(name="system-wc", uncached=True))
    board = hk.Board(name="b", memory=hk.Memory(total=64 * MiB), heaps=heaps)
    with ion.Client(board, {"system": 0}, uncached={"system": "system-wc"}) as client:
        plain = client.alloc(4096, heap_id_mask=1)
        cached = client.alloc(4096, heap_id_mask=1, flags=ion.Flag.CACHED)
        assert client.buffer(plain).exp_name == "system-wc"
        assert client.buffer(cached).exp_name == "system"
        assert client.import_(client.share(plain)) == plain


@pytest.mark.parametrize("uncached", [{"nope": "system"}, {"system": "nope"}])
def test_twins_are_heaps_of_the_board(sim, uncached):
    with pytest.raises(ValueError, match="uncached="):
        ion.Client(sim, {"system": 0}, uncached=uncached)


# --- Handles -----------------------------------------------------------------


def test_handles_begin_at_one_and_the_lowest_is_given_again(client):
    handles = [client.alloc(4096, heap_id_mask=1) for _ in range(3)]
    assert handles == [1, 2, 3]
    client.free(1)
    assert client.alloc(4096, heap_id_mask=1) == 1


def test_freeing_the_last_handle_frees_the_buffer(sim, client):
    client.free(client.alloc(4096, heap_id_mask=1))
    assert sim.buffers == ()


@pytest.mark.parametrize("handle", [0, 1, -1, 99])
def test_handle_that_is_none_is_einval(client, handle):
    assert error_of(client.free, handle) == errno.EINVAL
    assert error_of(client.share, handle) == errno.EINVAL
    assert error_of(client.buffer, handle) == errno.EINVAL


def test_shared_file_keeps_the_buffer_without_its_handle(sim, client):
    handle = client.alloc(4096, heap_id_mask=1)
    fd = client.share(handle)
    client.free(handle)
    assert sim.files[fd].size == 4096
    sim.files.close(fd)
    assert sim.buffers == ()


def test_import_gives_the_handle_the_client_has_already(client):
    handle = client.alloc(4096, heap_id_mask=1)
    assert client.import_(client.share(handle)) == handle
    client.free(handle)
    assert client.buffer(handle).size == 4096
    client.free(handle)
    assert error_of(client.free, handle) == errno.EINVAL


def test_import_into_another_client_is_a_handle_of_its_own(sim, client):
    other = ion.Client(sim, IDS)
    other.alloc(4096, heap_id_mask=1)
    fd = client.share(client.alloc(8192, heap_id_mask=1))
    handle = other.import_(fd)
    assert handle == 2
    assert other.buffer(handle).ino == sim.files[fd].ino


def test_import_of_what_ion_did_not_export_is_einval(sim, client):
    foreign = sim["system-pooled"].allocate(4096)
    assert error_of(client.import_, foreign.fd) == errno.EINVAL
    assert error_of(client.import_, foreign.export_sync_file().fd) == errno.EINVAL
    assert error_of(client.import_, 999) == errno.EBADF


def test_closing_the_client_lets_its_handles_go(sim, client):
    client.alloc(4096, heap_id_mask=1)
    fd = client.share(client.alloc(4096, heap_id_mask=1))
    client.close()
    assert len(sim.buffers) == 1
    assert sim.files[fd].size == 4096


def test_client_without_a_free_number_is_emfile_and_keeps_the_handle(sim, client):
    handle = client.alloc(4096, heap_id_mask=1)
    sim.files.limit = 3
    assert error_of(client.share, handle) == errno.EMFILE
    client.free(handle)
    assert sim.buffers == ()


def test_later_kernel_without_a_free_number_keeps_nothing(sim, later):
    sim.files.limit = 3
    assert error_of(later.alloc, 4096, heap_id_mask=1) == errno.EMFILE
    assert sim.buffers == ()


def test_later_kernel_returns_the_number_of_a_file(sim, later):
    fd = later.alloc(5000, heap_id_mask=1)
    assert sim.files[fd] is later.buffer(fd)
    assert later.buffer(fd).size == 8192


# --- Query and sync ----------------------------------------------------------


def test_query_tells_heaps_by_descending_id(client):
    assert client.heap_query() == (
        ("protected,secure-video", ion.HeapType.CUSTOM, 9),
        ("camera", ion.HeapType.CARVEOUT, 4),
        ("video", ion.HeapType.CHUNK, 3),
        ("default_cma_region", ion.HeapType.DMA, 2),
        ("system", ion.HeapType.SYSTEM, 0),
    )


def test_query_with_little_room_tells_the_first(client):
    assert [heap.name for heap in client.heap_query(1)] == ["protected,secure-video"]


def test_query_without_room_or_with_reserved_bits_is_einval(client):
    assert error_of(client.heap_query, 0) == errno.EINVAL
    assert error_of(client.heap_query, reserved=(0, 1, 0)) == errno.EINVAL


def test_android_has_types_of_its_own(sim):
    client = ion.Client(sim, IDS, era="android")
    types = {heap.name: heap.type for heap in client.heap_query()}
    assert types["default_cma_region"] == ion.AndroidHeapType.DMA
    assert types["camera"] == ion.AndroidHeapType.CUSTOM


def test_sync_is_one_pass_over_the_whole_buffer_attached_or_not(sim, client):
    fd = client.share(client.alloc(MiB, heap_id_mask=1))
    costs = sim.board.costs
    lines = MiB // 64
    expected = (
        costs["sync_call"].value
        + costs["sync_entry"].value
        + lines * costs["clean_line"].value
    )
    assert client.sync(fd) == expected
    for name in ("isp", "gpu"):
        sim.files[fd].attach(sim.device(name)).map()
    assert client.sync(fd) == expected


# --- Arguments ---------------------------------------------------------------


def test_client_of_a_board_makes_its_heaps_and_closes_them(bench):
    with ion.Client(bench, {"system": 0}) as client:
        client.alloc(4096, heap_id_mask=1)
        heaps = client.heaps
    with pytest.raises(OSError, match="closed"):
        heaps["system"].allocate(4096)


@pytest.mark.parametrize(
    "ids",
    [{}, None, {"system": 32}, {"system": -1}, {"nope": 1}, {"system": 1, "camera": 1}],
)
def test_ids_are_of_the_boards_heaps_and_each_once(sim, ids):
    with pytest.raises(ValueError, match=r"ids|heap="):
        ion.Client(sim, ids)


def test_load_is_no_heap_of_ion():
    heaps = (hk.SystemHeap(), hk.PageLoad(name="apps"))
    board = hk.Board(name="b", memory=hk.Memory(total=64 * MiB), heaps=heaps)
    with pytest.raises(ValueError, match="load"):
        ion.Client(board, {"apps": 1})


def test_memfd_is_no_heap_of_ion():
    heaps = (hk.SystemHeap(), hk.UdmabufHeap())
    board = hk.Board(name="b", memory=hk.Memory(total=64 * MiB), heaps=heaps)
    with pytest.raises(ValueError, match="memfd"):
        ion.Client(board, {"udmabuf": 1})


@pytest.mark.parametrize("heaps", [None, {}, "phone-8g"])
def test_client_wants_a_board_or_heaps(heaps):
    with pytest.raises(ValueError, match="heaps="):
        ion.Client(heaps, {"system": 0})


def test_unknown_era_is_a_value_error(sim):
    with pytest.raises(ValueError, match="era="):
        ion.Client(sim, IDS, era="2011")


def test_mask_of_an_unknown_heap_is_a_value_error(client):
    with pytest.raises(ValueError, match="nope"):
        client.mask("nope")


def test_client_shows_its_ids(client):
    client.alloc(4096, heap_id_mask=1)
    assert "camera 4, video 3" in repr(client)
    assert "1 handles" in repr(client)
