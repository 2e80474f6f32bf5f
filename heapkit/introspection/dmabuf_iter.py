# SPDX-License-Identifier: MIT
"""The BPF iterator over dma-bufs, where somebody pinned the program that prints.

Android pins one whose text is four lines for each buffer: inode, size, name
(which may be empty) and exporter. Linux has the iterator since 6.16. A name may
hold line breaks; it ends where an exporter and then a buffer, or the end, follow.
"""

from __future__ import annotations

import re

from heapkit.arguments import MAX_ADDRESS
from heapkit.errors import FormatError
from heapkit.introspection.tree import Root, tree_of
from heapkit.snapshot import BufferInfo

name = "dmabuf_iter"
path = "/sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf"
gives = "every buffer's size, name and exporter, without debugfs"
needs = "Linux 6.16 with CONFIG_BPF_SYSCALL and a pinned dmabuf iterator (Android)"

_FILE = path.removeprefix("/")
# 31 bytes of a name, each of which may be written as \xNN.
_BUFFER = re.compile(
    r"(?P<inode>\d{1,20})\n(?P<size>\d{1,20})\n(?P<name>[^\0]{0,124}?)\n"
    r"(?P<exporter>[^\n]+)\n(?=\d{1,20}\n\d{1,20}\n|\Z)",
    re.ASCII,
)


def read(root: Root = "/") -> tuple[BufferInfo, ...]:
    """The buffers, newest first."""
    tree = tree_of(root)
    return parse(tree.text(_FILE), path=tree.path(_FILE))


def parse(text: str, *, path: object = None) -> tuple[BufferInfo, ...]:
    """The buffers of the iterator's text; an empty text has none."""
    buffers = []
    at = 0
    while at < len(text):
        match = _BUFFER.match(text, at)
        if match is None or int(match["size"]) > MAX_ADDRESS:
            line = text.count("\n", 0, at) + 1
            shown = text[at:].split("\n", 1)[0]
            message = "expected inode, size, name and exporter, a line each"
            raise FormatError(message, path=path, line=line, text=shown)
        buffers.append(_info(match))
        at = match.end()
    return tuple(buffers)


def _info(match: re.Match[str]) -> BufferInfo:
    return BufferInfo(
        int(match["size"]),
        match["exporter"],
        name=match["name"] or None,
        inode=int(match["inode"]),
    )
