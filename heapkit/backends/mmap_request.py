# SPDX-License-Identifier: MIT
"""The arguments of mmap(2), as both backends take them."""

from __future__ import annotations

import mmap
from dataclasses import dataclass
from typing import Final

from heapkit import arguments
from heapkit._ffi import PAGE_SIZE

READ_WRITE: Final = mmap.PROT_READ | mmap.PROT_WRITE
_PROT: Final = READ_WRITE | mmap.PROT_EXEC
MAP_TYPE: Final = mmap.MAP_SHARED | mmap.MAP_PRIVATE
_FLAGS: Final = MAP_TYPE | mmap.MAP_POPULATE


@dataclass(frozen=True)
class Request:
    """The arguments of mmap(2), checked to be numbers of its types."""

    length: int
    flags: int
    prot: int
    offset: int

    @property
    def private(self) -> bool:
        """MAP_PRIVATE; with both bits it is MAP_SHARED_VALIDATE."""
        return self.flags & MAP_TYPE == mmap.MAP_PRIVATE

    @property
    def end(self) -> int:
        """Where the mapped pages end in the buffer."""
        return self.offset + -(-self.length // PAGE_SIZE) * PAGE_SIZE


def request(owner: str, length: int, flags: int, prot: int, offset: int) -> Request:
    """The arguments; ``ValueError`` for what mmap(2) cannot be given here."""
    length = arguments.integer(owner, "length", length, high=arguments.U64_MAX)
    offset = arguments.integer(owner, "offset", offset, high=arguments.U64_MAX)
    for name, value, known in (("flags", flags, _FLAGS), ("prot", prot, _PROT)):
        arguments.integer(owner, name, value, high=2**32 - 1)
        if value & ~known:
            allowed = f"bits of {known:#x}: a file is mapped, wherever there is room"
            raise arguments.wrong(owner, name, value, allowed)
    return Request(length, flags, prot, offset)
