# SPDX-License-Identifier: MIT
"""The door to the C core: types, errors and handles."""

import errno
import threading

import numpy as np
import pytest

from heapkit import _ffi
from heapkit.errors import InvariantError

PAGE = 4096
CARVEOUT = {
    "kind": _ffi.HeapKind.CARVEOUT,
    "base": 0x1000_0000,
    "size": 16 * PAGE,
    "granule": PAGE,
    "align": PAGE,
}


def spec(*heaps, **memory):
    costs = dict.fromkeys(_ffi.COST_NAMES, 1.0) | {"line_bytes": 64.0}
    return {
        "memory": {"base": 0, "total": 0, "min_free": 0} | memory,
        "heaps": heaps or (CARVEOUT,),
        "devices": (),
        "costs": costs,
        "sync_flags": 0,
        "seed": 0,
    }


@pytest.fixture
def machine():
    machine = _ffi.Machine(spec())
    yield machine
    machine.close()


def allocate(machine, buffer, pages):
    return machine.step(_ffi.Op.ALLOC, buffer=buffer, size=pages * PAGE, heaps=[0])


@pytest.mark.parametrize(
    ("dtype", "size"),
    [(_ffi.ROW, 32), (_ffi.GAUGES, 32), (_ffi.POOL_FILL, 32), (_ffi.REGION, 24)],
)
def test_record_has_the_size_of_its_struct(dtype, size):
    assert dtype.itemsize == size


def test_record_has_the_types_of_its_struct():
    assert _ffi.ROW["status"] == np.int32
    assert _ffi.ROW["heap"] == np.int16
    assert _ffi.ROW["address"] == np.uint64
    assert _ffi.POOL_FILL["items"].shape == (_ffi.MAX_ORDERS,)


def test_record_fields_do_not_overlap():
    for dtype in (_ffi.ROW, _ffi.GAUGES, _ffi.REGION):
        ends = [offset + field.itemsize for field, offset in dtype.fields.values()]
        starts = [offset for _, offset in dtype.fields.values()][1:]
        assert all(end <= start for end, start in zip(ends, starts, strict=False))


def test_machine_step_tells_row_and_gauges(machine):
    step = allocate(machine, 0, 4)
    assert (step.status, step.heap, step.tried, step.entries) == (0, 0, 1, 1)
    assert step.address == CARVEOUT["base"]
    assert step.free_bytes == step.largest_free_bytes == 12 * PAGE


def test_refused_spec_is_an_oserror_that_names_the_board():
    overlapping = (CARVEOUT, CARVEOUT)
    with pytest.raises(OSError, match="bench") as caught:
        _ffi.Machine(spec(*overlapping), what="bench")
    assert caught.value.errno == errno.EINVAL


def test_misspelt_field_of_a_spec_is_noticed():
    with pytest.raises(KeyError, match="sise"):
        _ffi.Machine(spec(CARVEOUT | {"sise": 3}))


def test_refused_event_is_an_oserror_that_names_it(machine):
    with pytest.raises(OSError, match="FREE of buffer 7"):
        machine.step(_ffi.Op.FREE, buffer=7)


def test_time_does_not_go_back(machine):
    machine.advance(100)
    with pytest.raises(OSError, match="99"):
        machine.advance(99)


def test_regions_are_copied_out(machine):
    allocate(machine, 0, 4)
    regions = machine.snapshot(0)
    machine.close()
    assert regions["size"].tolist() == [4 * PAGE, 12 * PAGE]
    assert regions["owner"].tolist() == [0, _ffi.NO_OWNER]


def test_entries_of_an_unknown_buffer_are_refused(machine):
    with pytest.raises(OSError, match="buffer 3"):
        machine.entries(3)


def test_closed_machine_is_ebadf(machine):
    machine.close()
    machine.close()
    with pytest.raises(OSError, match="closed") as caught:
        allocate(machine, 0, 1)
    assert caught.value.errno == errno.EBADF


def test_euclean_is_an_invariant_error():
    with pytest.raises(InvariantError, match="free bits"):
        _ffi.check(-errno.EUCLEAN, "free bits")


def test_one_machine_survives_many_threads(machine):
    def work(buffer):
        for _ in range(200):
            allocate(machine, buffer, 1)
            machine.step(_ffi.Op.FREE, buffer=buffer)

    threads = [threading.Thread(target=work, args=(b,)) for b in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    machine.check()
    assert machine.gauges(0).free_bytes == 16 * PAGE


def test_constants_of_the_kernel_are_asked_by_name():
    assert _ffi.uapi_constant("DMA_BUF_NAME_LEN") == 32
    with pytest.raises(ValueError, match="HK_OP_FREE"):
        _ffi.uapi_constant("HK_OP_FREE")
    with pytest.raises(AttributeError):
        _ffi.uapi_constant("DMA_HEAP_NONSENSE")


def test_kernel_struct_is_read_and_written_in_place():
    data = _ffi.allocation_data(len=4096, fd_flags=2)
    assert len(data.buffer) == 24
    data.buffer[8:12] = (7).to_bytes(4, "little")
    assert (data["len"], data["fd"]) == (4096, 7)


def test_a_loaded_machine_goes_on_where_the_saved_one_was(machine):
    allocate(machine, 0, 3)
    state = machine.save()
    other = _ffi.Machine(spec())
    other.load(state)
    assert other.save() == state
    assert allocate(other, 1, 2) == allocate(machine, 1, 2)
    other.check()


def test_bytes_that_are_no_state_are_refused(machine):
    state = bytearray(machine.save())
    state[-1] ^= 1
    with pytest.raises(ValueError, match="no state of this board"):
        machine.load(bytes(state))
    assert machine.closed


def test_a_machine_that_has_worked_takes_a_state_too(machine):
    idle = machine.save()
    allocate(machine, 0, 1)
    machine.load(idle)
    assert machine.save() == idle
    assert allocate(machine, 0, 1).status == 0
