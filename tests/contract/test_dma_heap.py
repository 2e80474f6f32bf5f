# SPDX-License-Identifier: MIT
"""What each backend's heaps do: the kernel's selftest and its errnos.

After tools/testing/selftests/dmabuf-heaps and the errnos seen on Linux 6.12.
"""

import errno

import numpy as np
import pytest

from heapkit import KiB, MiB

U64_MAX = 2**64 - 1


ROUNDED = {
    1: 4096,
    4095: 4096,
    4096: 4096,
    4097: 8192,
    1 * MiB: 1 * MiB,
    1 * MiB + 1: 1 * MiB + 4096,
}


def test_size_is_rounded_up_to_pages(dma_heap):
    for asked, given in ROUNDED.items():
        with dma_heap.allocate(asked) as buffer:
            assert buffer.size == given
            assert len(buffer.mmap()) == given


def test_numpy_integers_are_sizes(system):
    with system.allocate(np.uint64(8192)) as buffer:
        assert buffer.size == 8192


def test_size_that_rounds_to_nothing_is_einval(heap):
    for size in (0, U64_MAX, U64_MAX - 4094):
        with pytest.raises(OSError, match=str(size)) as caught:
            heap.allocate(size)
        assert caught.value.errno == errno.EINVAL


def test_einval_is_a_value_error_too(system):
    with pytest.raises(ValueError, match="Invalid argument"):
        system.allocate(0)


@pytest.mark.parametrize(
    "size", [-1, -4096, True, 4096.0, float("nan"), "4096", None, 2**64, 2**80]
)
def test_what_is_no_64_bit_size_is_a_value_error(system, size):
    with pytest.raises(ValueError, match="size=") as caught:
        system.allocate(size)
    assert not isinstance(caught.value, OSError)


def test_more_than_there_is_is_enomem_naming_heap_and_size(dma_heap):
    size = 1 << 50
    with pytest.raises(OSError, match=rf"{dma_heap.name}.*{size}") as caught:
        dma_heap.allocate(size)
    assert caught.value.errno == errno.ENOMEM


def test_any_heap_flag_is_einval(heap):
    for flags in (1, 0x111111, 1 << 63):
        with pytest.raises(OSError, match="Invalid argument") as caught:
            heap.allocate(4096, heap_flags=flags)
        assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("flags", [-1, 2**64, True, 1.5])
def test_what_are_no_64_heap_flags_is_a_value_error(system, flags):
    with pytest.raises(ValueError, match="heap_flags="):
        system.allocate(4096, heap_flags=flags)


@pytest.mark.parametrize("size", [4 * KiB, 1 * MiB])
def test_buffers_are_zeroed_after_dirty_ones_were_freed(heap, size):
    dirty = [heap.allocate(size) for _ in range(8)]
    for buffer in dirty:
        buffer.mmap()[:] = b"\xff" * size
    for buffer in dirty:
        buffer.close()
    for _ in range(8):
        with heap.allocate(size) as buffer:
            assert not np.frombuffer(buffer.mmap(), np.uint8).any()


def test_heaps_are_a_mapping_of_names(heaps):
    assert "system" in heaps
    assert len(heaps) == len(list(heaps))
    assert all(heaps[name].name == name for name in heaps)


def test_unknown_heap_is_a_key_error_that_lists_the_heaps(heaps):
    with pytest.raises(KeyError, match=r"nope.*system"):
        heaps["nope"]
    assert "nope" not in heaps
    assert heaps.get("nope") is None


def test_chain_takes_the_first_heap_that_has_the_memory(heaps):
    with heaps.allocate(4096, ("system",)) as buffer:
        assert buffer.exp_name == "system"


def test_chain_of_full_heaps_raises_the_last_error(heaps):
    with pytest.raises(OSError, match=r"system") as caught:
        heaps.allocate(1 << 50, ("system", "system"))
    assert caught.value.errno == errno.ENOMEM


def test_chain_does_not_go_on_after_another_error_than_enomem(heaps):
    with pytest.raises(OSError, match="Invalid argument") as caught:
        heaps.allocate(0, ("system", "system"))
    assert caught.value.errno == errno.EINVAL


def test_unknown_heap_is_a_value_error_as_every_wrong_argument(heaps):
    with pytest.raises(ValueError, match=r"^no heap 'nope'; there is: .*system"):
        heaps["nope"]


def test_unknown_heap_in_a_chain_is_a_key_error(heaps):
    with pytest.raises(KeyError, match="nope"):
        heaps.allocate(4096, ("system", "nope"))


@pytest.mark.parametrize("chain", ["system", (), []])
def test_chain_is_a_sequence_of_names(heaps, chain):
    with pytest.raises(ValueError, match="chain="):
        heaps.allocate(4096, chain)


def test_leaving_the_heaps_closes_every_buffer(heaps):
    with heaps:
        buffer = heaps["system"].allocate(4096)
    with pytest.raises(OSError, match="closed") as caught:
        buffer.begin_cpu_access()
    assert caught.value.errno == errno.EBADF
    buffer.close()


def test_closing_the_heaps_twice_does_nothing(heaps):
    heaps.close()
    heaps.close()
    with pytest.raises(OSError, match="closed") as caught:
        heaps["system"].allocate(4096)
    assert caught.value.errno == errno.EBADF
