# SPDX-License-Identifier: MIT
"""The table of questions is complete and each row says what it is."""

import re
from collections import Counter

import pytest

from heapkit.conformance import CHECKS, known_differences

# A row of the errno table, or of the selftest, and the checks that ask it.
TABLE = {
    "selftest: alloc and import": "selftest.alloc_and_import",
    "selftest: zeroed, a page": "selftest.alloc_zeroed.4096",
    "selftest: zeroed, 1 MiB": "selftest.alloc_zeroed.1048576",
    "selftest: older struct": "selftest.alloc_compat.16",
    "selftest: newer struct": "selftest.alloc_compat.48",
    "selftest: no heap": "selftest.alloc_errors.no_heap",
    "selftest: heap flags": "selftest.alloc_errors.heap_flags",
    "selftest: fd flags": "selftest.alloc_errors.fd_flags",
    "ALLOC len 0": "alloc.len.zero",
    "ALLOC len that wraps": "alloc.len.wraps",
    "ALLOC fd 1": "alloc.fd.one",
    "ALLOC fd -1": "alloc.fd.minus_one",
    "ALLOC heap flag 0": "alloc.heap_flags.bit_0",
    "ALLOC heap flag 63": "alloc.heap_flags.bit_63",
    "ALLOC O_NONBLOCK": "alloc.fd_flags.nonblock",
    "ALLOC bit 31": "alloc.fd_flags.bit_31",
    "ALLOC access mode 3": "alloc.fd_flags.accmode_3",
    "ALLOC NULL": "alloc.arg.null",
    "ALLOC struct of 8": "command.struct.8",
    "ALLOC struct of 256": "command.struct.256",
    "ALLOC without direction": "command.direction.none",
    "ALLOC that only writes": "command.direction.write",
    "ALLOC through a read-only heap": "alloc.heap_opened.rdonly",
    "ALLOC through a write-only heap": "alloc.heap_opened.wronly",
    "ALLOC too large": "alloc.len.too_large",
    "heap ioctl nr 1": "command.nr",
    "heap ioctl of another type": "command.type",
    "heap read": "heap.read",
    "heap lseek": "heap.lseek",
    "heap mmap": "heap.mmap",
    "heap poll": "heap.poll",
    "SYNC END only": "sync.flags.end_only",
    "SYNC bit 63": "sync.flags.bit_63",
    "SYNC NULL": "sync.arg.null",
    "SYNC of a read-only buffer": "sync.read_only_file",
    "buffer's unknown ioctl": "sync.command.nr_99",
    "SET_NAME of 32": "name.too_long",
    "SET_NAME_A": "name.a.longest",
    "SET_NAME empty": "name.empty",
    "EXPORT 0": "sync_file.export.flags.0",
    "IMPORT bad fd": "sync_file.import.fd.minus_one",
    "buffer fallocate": "file.fallocate",
    "lseek END 0": "file.lseek.end.0",
    "lseek END 1": "file.lseek.end.1",
    "mmap PROT_EXEC": "mmap.exec",
    "mmap far beyond": "mmap.offset.far",
    "mmap length 0": "mmap.length.0",
    "mmap private, one page": "mmap.private.page.rw",
    "mmap private, chunks": "mmap.private.chunks.r",
    "mmap of a read-only buffer": "mmap.file_rdonly.rw",
    "mmap of a write-only buffer": "mmap.file_wronly.w",
    "/proc/self/mem": "memory.proc_mem",
    "write(2) from it": "memory.written_from",
    "madvise REMOVE": "memory.madvise.remove",
    "mlock": "memory.mlock",
    "udmabuf without a seal": "udmabuf.seals.none",
    "udmabuf of no memfd": "udmabuf.no_memfd",
}
IDS = [check.id for check in CHECKS]


@pytest.mark.parametrize("row", TABLE)
def test_row_of_the_table_has_its_check(row):
    assert TABLE[row] in IDS


def test_ids_are_unique():
    assert [name for name, n in Counter(IDS).items() if n > 1] == []


@pytest.mark.parametrize("check", CHECKS, ids=IDS)
def test_check_says_what_it_asks_and_where_the_rule_is(check):
    assert re.fullmatch(r"[a-z_0-9]+(\.[a-z_0-9]+)+", check.id)
    assert check.title
    assert check.did
    assert check.source
    assert re.fullmatch(r"(ok|E[A-Z]+|killed by SIG[A-Z]+)(\b.*)?", check.expected)


def test_every_known_difference_concerns_a_check():
    for difference in known_differences():
        for pattern in difference.checks:
            one = type(difference)(
                checks=(pattern,), answers=("ok",), why="w", source="s"
            )
            assert any(map(one.concerns, IDS)), pattern
