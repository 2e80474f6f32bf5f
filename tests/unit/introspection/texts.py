# SPDX-License-Identifier: MIT
"""Files of /proc and debugfs about dma-bufs, as Linux 6.12 prints them."""

FDINFO = (
    "pos:\t0\nflags:\t02000002\nmnt_id:\t12\nino:\t{inode}\n"
    "size:\t{size}\ncount:\t{count}\nexp_name:\t{exp_name}\n"
)
MAPS = (
    "7f0000000000-7f0000001000 r--p 00000000 08:01 77   /usr/lib/libc.so.6\n"
    "7f1000000000-{end:x} rw-s 00000000 00:08 {inode}   /dmabuf:{name}\n"
)


def fdinfo(inode=14, size=126_976, *, count=1, exp_name="system", name=None):
    """The text of /proc/PID/fdinfo/FD, as measured on Linux 6.12."""
    text = FDINFO.format(inode=inode, size=size, count=count, exp_name=exp_name)
    return text if name is None else f"{text}name:\t{name}\n"


def maps(inode=14, size=126_976, *, name=""):
    """The text of /proc/PID/maps of a process that has a library and a buffer."""
    return MAPS.format(inode=inode, end=0x7F1000000000 + size, name=name)


def bufinfo(*buffers):
    """The text of bufinfo with a buffer for each (size, count, exp_name, ino, name)."""
    rows = "".join(
        f"{size:08}\t00000002\t00080007\t{count:08}\t{exporter}\t{inode:08}\t{name}\n"
        "\tAttached Devices:\nTotal 0 devices attached\n\n"
        for size, count, exporter, inode, name in buffers
    )
    total = sum(buffer[0] for buffer in buffers)
    head = "\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\tino\tname\n"
    return f"{head}{rows}\nTotal {len(buffers)} objects, {total} bytes\n"
