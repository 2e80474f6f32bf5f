# SPDX-License-Identifier: MIT
"""``/sys/kernel/dmabuf/buffers/INODE``: size and exporter, for every user.

In Linux 5.13 to 6.19 with CONFIG_DMABUF_SYSFS_STATS; the BPF iterator replaces it
(:mod:`heapkit.introspection.dmabuf_iter`).
"""

from __future__ import annotations

import errno

from heapkit.introspection.tree import Root, Tree, tree_of
from heapkit.snapshot import BufferInfo

name = "dmabuf_sysfs"
path = "/sys/kernel/dmabuf/buffers"
gives = "every buffer's size and exporter, without root"
needs = "CONFIG_DMABUF_SYSFS_STATS (Linux 5.13 to 6.19)"

_DIRECTORY = path.removeprefix("/")


def read(root: Root = "/") -> tuple[BufferInfo, ...]:
    """The buffers by inode. One that is released while it is read is left out."""
    tree = tree_of(root)
    inodes = [int(n) for n in tree.entries(_DIRECTORY) if n.isdecimal()]
    return tuple(b for n in sorted(inodes) if (b := _buffer(tree, n)) is not None)


def _buffer(tree: Tree, inode: int) -> BufferInfo | None:
    directory = f"{_DIRECTORY}/{inode}"
    try:
        size = tree.number(f"{directory}/size")
        exporter = tree.text(f"{directory}/exporter_name").removesuffix("\n")
    except OSError as error:
        # ENODEV: it ended after its file was opened (kernfs).
        if error.errno not in (errno.ENOENT, errno.ENODEV):
            raise
        return None
    return BufferInfo(size, exporter, inode=inode)
