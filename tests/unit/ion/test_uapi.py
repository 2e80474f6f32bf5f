# SPDX-License-Identifier: MIT
"""ION's numbers: as the kernels had them, and as their layouts make them."""

from __future__ import annotations

import ctypes

import pytest

from heapkit import ioctls
from heapkit.ion import uapi

C_TYPES = {
    "__u32": ctypes.c_uint32,
    "__u64": ctypes.c_uint64,
    "char[32]": ctypes.c_char * 32,
    "int": ctypes.c_int32,
    "size_t": ctypes.c_uint64,
    "unsigned int": ctypes.c_uint32,
    "unsigned long": ctypes.c_uint64,
}
STRUCTS = {
    "allocation, handle era": uapi.ALLOCATION_HANDLE,
    "allocation, fd era": uapi.ALLOCATION_FD,
    "fd data": uapi.FD_DATA,
    "handle data": uapi.HANDLE_DATA,
    "custom data": uapi.CUSTOM_DATA,
    "heap query": uapi.HEAP_QUERY,
    "heap data": uapi.HEAP_DATA,
}
# Of the headers' macros, evaluated for LP64.
NUMBERS = {
    ("handle", "ION_IOC_ALLOC"): 0xC0204900,
    ("handle", "ION_IOC_FREE"): 0xC0044901,
    ("handle", "ION_IOC_MAP"): 0xC0084902,
    ("handle", "ION_IOC_SHARE"): 0xC0084904,
    ("handle", "ION_IOC_IMPORT"): 0xC0084905,
    ("handle", "ION_IOC_CUSTOM"): 0xC0104906,
    ("handle", "ION_IOC_SYNC"): 0xC0084907,
    ("handle", "ION_IOC_HEAP_QUERY"): 0xC0184908,
    ("fd", "ION_IOC_ALLOC"): 0xC0184900,
    ("fd", "ION_IOC_HEAP_QUERY"): 0xC0184908,
    ("android", "ION_IOC_ALLOC"): 0xC0184900,
    ("android", "ION_IOC_HEAP_QUERY"): 0xC0184908,
    ("android", "ION_IOC_ABI_VERSION"): 0x80044909,
}


def compiled(struct):
    """The struct as a C compiler of this machine lays it out."""
    fields = [(field.name, C_TYPES[field.type]) for field in struct.fields]
    return type(struct.name, (ctypes.Structure,), {"_fields_": fields})


@pytest.mark.parametrize("name", STRUCTS)
def test_layout_is_what_c_makes_of_the_fields(name):
    struct = STRUCTS[name]
    laid_out = compiled(struct)
    assert struct.size == ctypes.sizeof(laid_out)
    for field in struct.fields:
        there = getattr(laid_out, field.name)
        assert (field.offset, field.size) == (there.offset, there.size)


def test_numbers_are_the_kernels():
    found = {
        (era, ioctl.name): ioctl.number
        for era, table in uapi.IOCTLS.items()
        for ioctl in table
    }
    assert found == NUMBERS


@pytest.mark.parametrize("era", uapi.ERAS)
def test_number_holds_the_size_of_its_struct(era):
    sizes = {struct.name: {struct.size} for struct in STRUCTS.values()}
    sizes["ion_allocation_data"] = {24, 32}
    sizes["__u32"] = {4}
    for ioctl in uapi.IOCTLS[era]:
        assert ioctls.size_of(ioctl.number) in sizes[ioctl.argument]
        assert ioctl.number >> 8 & 0xFF == ord(uapi.MAGIC)


def test_everything_has_a_source():
    assert all(struct.source for struct in STRUCTS.values())
    assert all(ioctl.source for table in uapi.IOCTLS.values() for ioctl in table)


def test_field_is_found_by_its_name():
    assert uapi.ALLOCATION_FD["fd"] == ("fd", "__u32", 16, 4)


def test_ids_of_androids_types_are_all_ids_once():
    masks = uapi.ANDROID_ID_MASKS.values()
    assert sum(masks) == 0xFFFFFFFF
    assert max(uapi.ANDROID_ID_MASKS) < uapi.AndroidHeapType.MAX


def test_flags_of_ion_itself_are_in_the_low_half():
    assert max(uapi.Flag) < 1 << 16
