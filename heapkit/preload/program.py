# SPDX-License-Identifier: MIT
"""Whether a program can be given anything by LD_PRELOAD: ld.so(8), elf(5)."""

from __future__ import annotations

import os
import shutil
import stat
import struct
import sys
from pathlib import Path
from typing import Final

_HEADER: Final = struct.Struct("<16sHHIQQQIHHHHHH")  # Elf64_Ehdr
_SEGMENT: Final = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr
_CLASS_64: Final = 2
_PT_INTERP: Final = 3
_SCRIPTS: Final = 4  # BINPRM_MAX_RECURSION, the kernel's own end


def find(name: str) -> str | None:
    """The file that execvp() would run; None if there is none."""
    return shutil.which(name) or (name if "/" in name else None)


def hindrance(path: str) -> str | None:
    """Why ``path`` will see no simulated heaps, in a few words; None if it will.

    A script is judged by its interpreter. What cannot be read is not judged.
    """
    for _ in range(_SCRIPTS):
        try:
            status = Path(path).stat()
            with Path(path).open("rb") as file:
                head = file.read(4096)
        except OSError:
            return None
        if not head.startswith(b"#!"):
            return _of_binary(head, status)
        words = head[2:].split(b"\n", 1)[0].split()
        if not words:
            return None
        path = os.fsdecode(words[0])
    return None


def _of_binary(head: bytes, status: os.stat_result) -> str | None:
    if not head.startswith(b"\x7fELF"):
        return None
    if status.st_mode & (stat.S_ISUID | stat.S_ISGID) and os.geteuid() != status.st_uid:
        return "runs with the rights of another user, where ld.so preloads nothing"
    if len(head) < _HEADER.size or head[4] != _CLASS_64:
        return "is no 64-bit program"
    interpreter = _interpreter(head)
    if interpreter is None:
        return "is statically linked"
    if b"musl" in interpreter:
        return "is linked with musl, and the preload with glibc"
    return None


def _interpreter(head: bytes) -> bytes | None:
    """What PT_INTERP names; b"" if that is beyond ``head``, None without one."""
    fields = _HEADER.unpack_from(head)
    if (sys.byteorder == "little") != (head[5] == 1):
        return b""
    at, size, count = fields[5], fields[9], fields[10]
    for i in range(count):
        if at + i * size + _SEGMENT.size > len(head):
            return b""
        segment = _SEGMENT.unpack_from(head, at + i * size)
        if segment[0] == _PT_INTERP:
            return head[segment[2] : segment[2] + segment[5]]
    return None
