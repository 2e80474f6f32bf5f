# SPDX-License-Identifier: MIT
"""``/sys/kernel/debug/dma_buf/bufinfo``: every dma-buf of a machine.

The generations differ in what follows ``exp_name``: nothing (up to 2018), the
inode, then the inode and the name. A row may carry a name that the header does
not announce, for kernels printed it some releases before they changed the
header. Fence lines were ``Exclusive fence: …`` and ``Shared fence: …`` and are
now ``write``, ``read``, ``kernel`` and ``bookkeep``. ``size`` and ``count`` are
decimal though padded with zeros, ``flags`` and ``mode`` are hexadecimal
(``dma_buf_debug_show()`` of drivers/dma-buf/dma-buf.c).

A name is what a process gave and is printed as it is: it may hold line breaks. Of
what follows a row, then, as few lines as give a whole buffer belong to the name;
31 bytes are too few to feign one.
"""

from __future__ import annotations

import re
from pathlib import Path

from heapkit.arguments import MAX_ADDRESS
from heapkit.errors import FormatError
from heapkit.importers.text import Lines, read_text
from heapkit.snapshot import BufferInfo, Observation

name = "bufinfo"
title = "dma_buf/bufinfo of debugfs, every generation -> Observation"

_TITLE = "Dma-buf Objects:"
_COLUMNS = ["size", "flags", "mode", "count", "exp_name", "ino", "name"]
_ROW = re.compile(
    r"(?P<size>\d{8,20})\s+(?P<flags>[0-9a-f]{8})\s+(?P<mode>[0-9a-f]{8})"
    r"\s+(?P<count>\d{8,19})\s+(?P<rest>\S.*)",
    re.ASCII,
)
_INODE = re.compile(r"\s(?P<inode>\d{8,20})(?=\s|$)", re.ASCII)
_FENCE = re.compile(r"\s+(?P<fence>\w+ fence:.*)", re.ASCII)
# DMA_BUF_NAME_LEN without the zero byte at the end; a reader may have written each
# byte as \xNN.
_NAME_LEN = 31
_NAME_LEN_ESCAPED = 4 * _NAME_LEN
_DEVICES = re.compile(r"\s*Attached Devices:\s*")
_DEVICE = re.compile(r"\s+(?P<device>\S.*)")
_DEVICES_END = re.compile(r"Total (?P<count>\d{1,9}) devices attached\s*", re.ASCII)
_END = re.compile(
    r"Total (?P<count>\d{1,9}) objects, (?P<bytes>\d{1,20}) bytes\s*", re.ASCII
)


def recognise(head: bytes) -> bool:
    """Whether the first line that is not blank is a title, a header or a row."""
    lines = head.decode("utf-8", "replace").split("\n")
    first = next((line.strip() for line in lines if line.strip()), "")
    return (
        first == _TITLE
        or first.split()[:5] == _COLUMNS[:5]
        or _ROW.fullmatch(first) is not None
    )


def read(path: Path) -> Observation:
    """The buffers that a bufinfo file lists, newest first as in the file."""
    return parse(read_text(path), path=path)


def parse(text: str, *, path: object = None) -> Observation:
    """The buffers of a bufinfo text.

    A column that the generation lacks, an empty name and ``<none>`` are None.
    Counts of attached devices must agree with the lines. The trailer must be
    there if the header is, and its totals must agree with the rows: what is cut
    off raises :class:`FormatError`.
    """
    lines = Lines(text, path=path)
    columns = _header(lines)
    inodes = None if columns is None else "ino" in columns
    buffers: list[BufferInfo] = []
    while (line := lines.skip_blank()) is not None and not _END.fullmatch(line):
        buffers.append(_buffer(lines, inodes=inodes))
        inodes = buffers[0].inode is not None
    _trailer(lines, buffers, required=columns is not None or not buffers)
    return Observation(tuple(buffers), "bufinfo", {"columns": columns})


def _header(lines: Lines) -> tuple[str, ...] | None:
    """The columns that the header names, or None if there is no header."""
    first = lines.skip_blank()
    titled = first is not None and first.strip() == _TITLE
    if titled:
        lines.take()
        lines.skip_blank()
    words = (lines.peek() or "").split()
    if words[:1] != ["size"] and not titled:
        return None
    lines.take()
    if len(words) < 5 or words != _COLUMNS[: len(words)]:
        raise lines.error("expected the column heads of bufinfo")
    return tuple(words)


def _buffer(lines: Lines, *, inodes: bool | None) -> BufferInfo:
    """The next buffer, whose name has as few lines as make it one."""
    start = lines.number
    refusal: FormatError | None = None
    for breaks in range(_NAME_LEN + 1):
        lines.number = start
        try:
            return _buffer_of(lines, inodes=inodes, breaks=breaks)
        except _NoName:
            break
        except FormatError as error:
            refusal = refusal or error
    assert refusal is not None, "without line breaks there is no other refusal"
    raise refusal


class _NoName(Exception):
    """So many lines are no name."""


def _buffer_of(lines: Lines, *, inodes: bool | None, breaks: int) -> BufferInfo:
    row = lines.expect(_ROW, "a row of bufinfo")
    exporter, inode, label = _names(lines, row["rest"], inodes=inodes)
    if breaks:
        label = _with_breaks(lines, inode, label or "", breaks)
    size = int(row["size"])
    if size > MAX_ADDRESS:
        raise lines.error(f"a size of {size} bytes is beyond any physical memory")
    fences = _fences(lines)
    return BufferInfo(
        size=size,
        exp_name=exporter,
        name=label,
        inode=inode,
        count=int(row["count"]),
        flags=int(row["flags"], 16),
        mode=int(row["mode"], 16),
        attached=_attached(lines),
        fences=fences,
    )


def _names(
    lines: Lines, rest: str, *, inodes: bool | None
) -> tuple[str, int | None, str | None]:
    """Exporter, inode and name: the tail of a row, where names hold spaces.

    The inode, at least eight digits, is what separates them.
    """
    inode = _INODE.search(rest)
    if inodes is not None and inodes != (inode is not None):
        has = "has an inode" if inode else "has no inode"
        raise lines.error(f"this row {has}, unlike the header or the rows before")
    if inode is None:
        return rest.strip(), None, None
    label = rest[inode.end() :].strip()
    unnamed = label in ("", "<none>")
    exporter = rest[: inode.start()].strip()
    return exporter, int(inode["inode"]), None if unnamed else label


def _with_breaks(lines: Lines, inode: int | None, label: str, breaks: int) -> str:
    """The name with the lines that follow it; :class:`_NoName` if that is too long."""
    for _ in range(breaks):
        following = lines.peek()
        if inode is None or following is None:
            raise _NoName
        label = f"{label}\n{lines.take()}"
    if len(label) > (_NAME_LEN_ESCAPED if "\\x" in label else _NAME_LEN):
        raise _NoName
    return label


def _fences(lines: Lines) -> tuple[str, ...]:
    fences: list[str] = []
    while match := _FENCE.fullmatch(lines.peek() or ""):
        lines.take()
        fences.append(match["fence"].strip())
    return tuple(fences)


def _attached(lines: Lines) -> tuple[str, ...]:
    lines.expect(_DEVICES, "'Attached Devices:'")
    return attached_devices(lines)


def attached_devices(lines: Lines) -> tuple[str, ...]:
    """The indented device lines and their ``Total N devices attached``."""
    devices: list[str] = []
    while not (end := _DEVICES_END.fullmatch(line := lines.take())):
        device = _DEVICE.fullmatch(line)
        if device is None:
            raise lines.error("expected a device or 'Total N devices attached'")
        devices.append(device["device"].strip())
    if int(end["count"]) != len(devices):
        raise lines.error(f"{len(devices)} devices are listed")
    return tuple(devices)


def _trailer(lines: Lines, buffers: list[BufferInfo], *, required: bool) -> None:
    if lines.peek() is None:
        if required:
            raise lines.error("cut off: there is no 'Total N objects' line")
        return
    end = lines.expect(_END, "'Total N objects, M bytes'")
    total = sum(b.size for b in buffers)
    if (int(end["count"]), int(end["bytes"])) != (len(buffers), total):
        raise lines.error(f"{len(buffers)} objects of {total} bytes are listed")
    if lines.skip_blank() is not None:
        lines.take()
        raise lines.error("text after the end of bufinfo")
