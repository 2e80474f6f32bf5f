# SPDX-License-Identifier: MIT
"""ION's ioctls as data: structs, numbers, heap types, masks and flags, by era.

*handle*: up to Linux 4.11, a client holds handles and makes file descriptors of
them. *fd*: 4.12 to 5.10, ALLOC returns a dma-buf. *android*: the fd era as Android's
4.19 and 5.4 kernels have it, with other heap types and a version. No ION header is in
today's kernels, so layouts are worked out here, for LP64, by C's own rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final, NamedTuple

from heapkit import ioctls

MAGIC: Final = "I"
HEAP_NAME_BYTES: Final = 32  # MAX_HEAP_NAME
NUM_HEAP_IDS: Final = 32  # ION_NUM_HEAP_IDS: the bits of an unsigned int

_HANDLE_SOURCE = "drivers/staging/android/uapi/ion.h of Linux 4.1 (02b23803)"
_QUERY_SOURCE = "drivers/staging/android/uapi/ion.h of Linux 4.9"
_FD_SOURCE = "drivers/staging/android/uapi/ion.h of Linux 4.12"
_ANDROID_SOURCE = "drivers/staging/android/uapi/ion.h of Android's 4.19 and 5.4"

# Bytes and alignment on LP64.
_TYPES: Final = {
    "__u32": (4, 4),
    "__u64": (8, 8),
    "char[32]": (32, 1),
    "int": (4, 4),
    "size_t": (8, 8),
    "unsigned int": (4, 4),
    "unsigned long": (8, 8),
}


class Field(NamedTuple):
    """A member of a struct: ``offset`` and ``size`` in bytes."""

    name: str
    type: str
    offset: int
    size: int


@dataclass(frozen=True)
class Struct:
    """A struct of the ABI; ``size`` includes what padding follows the last field."""

    name: str
    fields: tuple[Field, ...]
    size: int
    source: str

    def __getitem__(self, name: str) -> Field:
        return {field.name: field for field in self.fields}[name]


class Ioctl(NamedTuple):
    """An ioctl: its number, and the struct whose address is its argument."""

    name: str
    number: int
    argument: str
    source: str


def _struct(name: str, source: str, *members: tuple[str, str]) -> Struct:
    fields: list[Field] = []
    end, widest = 0, 1
    for kind, member in members:
        size, alignment = _TYPES[kind]
        offset = -(-end // alignment) * alignment
        fields.append(Field(member, kind, offset, size))
        end, widest = offset + size, max(widest, alignment)
    return Struct(name, tuple(fields), -(-end // widest) * widest, source)


ALLOCATION_HANDLE: Final = _struct(
    "ion_allocation_data",
    _HANDLE_SOURCE,
    ("size_t", "len"),
    ("size_t", "align"),
    ("unsigned int", "heap_id_mask"),
    ("unsigned int", "flags"),
    ("int", "handle"),
)
FD_DATA: Final = _struct(
    "ion_fd_data", _HANDLE_SOURCE, ("int", "handle"), ("int", "fd")
)
HANDLE_DATA: Final = _struct("ion_handle_data", _HANDLE_SOURCE, ("int", "handle"))
CUSTOM_DATA: Final = _struct(
    "ion_custom_data", _HANDLE_SOURCE, ("unsigned int", "cmd"), ("unsigned long", "arg")
)
ALLOCATION_FD: Final = _struct(
    "ion_allocation_data",
    _FD_SOURCE,
    ("__u64", "len"),
    ("__u32", "heap_id_mask"),
    ("__u32", "flags"),
    ("__u32", "fd"),
    ("__u32", "unused"),
)
HEAP_QUERY: Final = _struct(
    "ion_heap_query",
    _QUERY_SOURCE,
    ("__u32", "cnt"),
    ("__u32", "reserved0"),
    ("__u64", "heaps"),
    ("__u32", "reserved1"),
    ("__u32", "reserved2"),
)
HEAP_DATA: Final = _struct(
    "ion_heap_data",
    _QUERY_SOURCE,
    ("char[32]", "name"),
    ("__u32", "type"),
    ("__u32", "heap_id"),
    ("__u32", "reserved0"),
    ("__u32", "reserved1"),
    ("__u32", "reserved2"),
)

_READ_WRITE = ioctls.READ | ioctls.WRITE


def _iowr(name: str, nr: int, argument: Struct, source: str) -> Ioctl:
    number = ioctls.number(_READ_WRITE, MAGIC, nr, argument.size)
    return Ioctl(f"ION_IOC_{name}", number, argument.name, source)


_QUERY = _iowr("HEAP_QUERY", 8, HEAP_QUERY, _QUERY_SOURCE)
_ABI_VERSION = Ioctl(
    "ION_IOC_ABI_VERSION",
    ioctls.number(ioctls.READ, MAGIC, 9, 4),
    "__u32",
    _ANDROID_SOURCE,
)
_ALLOC_FD = _iowr("ALLOC", 0, ALLOCATION_FD, _FD_SOURCE)

# By era. HEAP_QUERY came with 4.9, while there were handles still.
IOCTLS: Final[dict[str, tuple[Ioctl, ...]]] = {
    "handle": (
        _iowr("ALLOC", 0, ALLOCATION_HANDLE, _HANDLE_SOURCE),
        _iowr("FREE", 1, HANDLE_DATA, _HANDLE_SOURCE),
        _iowr("MAP", 2, FD_DATA, _HANDLE_SOURCE),
        _iowr("SHARE", 4, FD_DATA, _HANDLE_SOURCE),
        _iowr("IMPORT", 5, FD_DATA, _HANDLE_SOURCE),
        _iowr("CUSTOM", 6, CUSTOM_DATA, _HANDLE_SOURCE),
        _iowr("SYNC", 7, FD_DATA, _HANDLE_SOURCE),
        _QUERY,
    ),
    "fd": (_ALLOC_FD, _QUERY),
    "android": (_ALLOC_FD, _QUERY, _ABI_VERSION),
}
ERAS: Final = tuple(IOCTLS)
ABI_VERSION: Final = 2  # ION_CURRENT_ABI_VERSION of Android's 4.19 and 5.4


class HeapType(IntEnum):
    """``enum ion_heap_type`` up to Linux 5.10."""

    SYSTEM = 0
    SYSTEM_CONTIG = 1
    CARVEOUT = 2
    CHUNK = 3
    DMA = 4
    CUSTOM = 5


class AndroidHeapType(IntEnum):
    """``enum ion_heap_type`` of Android's 4.19 and 5.4 kernels."""

    SYSTEM = 0
    DMA = 2
    CUSTOM = 16
    MAX = 31


# The ids that Android's kernels keep for heaps of a type: heap_id_mask bits.
ANDROID_ID_MASKS: Final = {
    AndroidHeapType.SYSTEM: 0x0000_0001,
    AndroidHeapType.DMA: 0x0000_01FE,
    AndroidHeapType.CUSTOM: 0xFFFF_FE00,
}


class Flag(IntFlag):
    """Of an allocation: the low 16 bits are ION's, the high 16 the heap's own."""

    CACHED = 1
    CACHED_NEEDS_SYNC = 2
