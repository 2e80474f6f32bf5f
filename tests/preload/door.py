# SPDX-License-Identifier: MIT
"""What the test programs do with /dev/dma_heap; they know nothing of heapkit.

The calls are libc's, by ctypes: Python's own os and mmap would check before they ask.
"""

import ctypes
import errno
import json
import mmap
import os
import struct
import sys

ALLOC = 0xC0184800
SYNC = 0x40086200
SET_NAME_A, SET_NAME = 0x40046201, 0x40086201
EXPORT, IMPORT = 0xC0086202, 0x40086203
READ, WRITE, RW, END = 1, 2, 3, 4
CLOEXEC = os.O_CLOEXEC
DIRECTORY = "/dev/dma_heap"

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [
    *(ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int),
    ctypes.c_long,
]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
libc.ioctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p]
libc.lseek.restype = ctypes.c_long
libc.lseek.argtypes = [ctypes.c_int, ctypes.c_long, ctypes.c_int]
for name in ("read", "write", "pread", "pwrite"):
    function = getattr(libc, name)
    function.restype = ctypes.c_ssize_t
    size_at = [ctypes.c_long] if name.startswith("p") else []
    function.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, *size_at]
libc.ftruncate.argtypes = [ctypes.c_int, ctypes.c_long]
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]


def call(function, *arguments):
    """The result of libc's function, or the name of its errno."""
    ctypes.set_errno(0)
    result = function(*arguments)
    failed = result in (-1, 2**64 - 1)
    return errno.errorcode[ctypes.get_errno()] if failed else result


def heap(name="system", flags=os.O_RDWR):
    return os.open(f"{DIRECTORY}/{name}", flags)


def request(length, fd=0, fd_flags=os.O_RDWR | CLOEXEC, heap_flags=0):
    """A struct dma_heap_allocation_data, with room behind it."""
    data = struct.pack("=QIIQ", length, fd, fd_flags, heap_flags)
    return ctypes.create_string_buffer(data, 512)


def answered_fd(data):
    return struct.unpack_from("=I", data, 8)[0]


def allocate(length, name="system", **fields):
    """A buffer's descriptor, or OSError."""
    file, data = heap(name), request(length, **fields)
    try:
        told = call(libc.ioctl, file, ALLOC, data)
    finally:
        os.close(file)
    if told != 0:
        raise OSError(getattr(errno, told), told)
    return answered_fd(data)


def sync(fd, flags):
    return call(libc.ioctl, fd, SYNC, ctypes.byref(ctypes.c_uint64(flags)))


def mapped(fd, length=0):
    return mmap.mmap(fd, length or os.lseek(fd, 0, os.SEEK_END))


def answer(value):
    """What the test reads: the last line of the program's output."""
    print(json.dumps(value))
    sys.stdout.flush()
