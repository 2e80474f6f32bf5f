# SPDX-License-Identifier: MIT
"""What kind of file a descriptor is, without doing anything to it.

An ioctl would not do: a heap takes that of a dma-buf for an allocation, since both are
number 0 and it looks at nothing else.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from heapkit.errors import refusal

EXPORTER = "exp_name"  # dma_buf_show_fdinfo(): no other file has such a line


def exporter(fd: int) -> str:
    """The exporter of the dma-buf ``fd``, as fdinfo says it.

    ``OSError``: EBADF where nothing is open, EINVAL for any other file, both as
    dma_buf_get() answers an importer.
    """
    os.fstat(fd)
    text = Path(f"/proc/self/fdinfo/{fd}").read_text()
    fields = dict(line.partition(":\t")[::2] for line in text.splitlines())
    if EXPORTER not in fields:
        raise refusal(errno.EINVAL, f"fd {fd} is {link(fd)}, which is no dma-buf")
    return fields[EXPORTER]


def link(fd: int) -> str:
    """What /proc/self/fd calls the file."""
    return str(Path(f"/proc/self/fd/{fd}").readlink())
