# SPDX-License-Identifier: MIT
"""Each row of the kernel's errno table, through libc, in one program per heap.

Measured on Linux 6.12 and 7.3; what a table entry says is the call and its answer.
"""

import json

import pytest

# Names of the program below: H a heap, B a buffer of 31 pages, R and W such buffers
# that are read-only and write-only.
OK = 0
ALLOCATION = {
    "length 0": ("alloc(0)", "EINVAL"),
    "length 2^64-1": ("alloc(2**64 - 1)", "EINVAL"),
    "fd 1 on input": ("alloc(4096, fd=1)", "EINVAL"),
    "fd -1 on input": ("alloc(4096, fd=2**32 - 1)", "EINVAL"),
    "heap flag 0": ("alloc(4096, heap_flags=1)", "EINVAL"),
    "heap flag 63": ("alloc(4096, heap_flags=2**63)", "EINVAL"),
    "O_NONBLOCK": ("alloc(4096, fd_flags=os.O_NONBLOCK)", "EINVAL"),
    "fd flag 31": ("alloc(4096, fd_flags=2**31)", "EINVAL"),
    "fd flags 0": ("alloc(4096, fd_flags=0)", OK),
    "fd flags O_WRONLY": ("alloc(4096, fd_flags=1)", OK),
    "fd flags 3": ("alloc(4096, fd_flags=3)", OK),
    "NULL": ("call(libc.ioctl, H, ALLOC, None)", "EFAULT"),
    "bad pointer": ("call(libc.ioctl, H, ALLOC, 16)", "EFAULT"),
    "read-only argument": ("call(libc.ioctl, H, ALLOC, READ_ONLY)", "EFAULT"),
    "read-only argument, only written": ("call(libc.ioctl, H, 0x40184800, TEXT)", OK),
    "16 bytes": ("sized(16, 'rw')", [OK, True]),
    "20 bytes": ("sized(20, 'rw')", [OK, True]),
    "32 bytes": ("sized(32, 'rw')", [OK, True]),
    "64 bytes": ("sized(64, 'rw')", [OK, True]),
    "256 bytes": ("sized(256, 'rw')", [OK, True]),
    "8 bytes": ("sized(8, 'rw')", [OK, False]),
    "direction none": ("sized(24, '')", ["EINVAL", False]),
    "direction write": ("sized(24, 'w')", [OK, False]),
    "nr 1": ("call(libc.ioctl, H, ALLOC | 1, request(4096))", "EINVAL"),
    "another type, nr 0": ("call(libc.ioctl, H, SYNC, request(4096))", OK),
    "more than there is": ("alloc(2**40)", "ENOMEM"),
}
HEAP_FILE = {
    "read": ("call(libc.read, H, BYTES, 8)", "EINVAL"),
    "write": ("call(libc.write, H, BYTES, 8)", "EINVAL"),
    "pread": ("call(libc.pread, H, BYTES, 8, 0)", "ESPIPE"),
    "lseek": ("call(libc.lseek, H, 0, 0)", "ESPIPE"),
    "mmap": ("mmap_(H, 4096)", "ENODEV"),
    "poll": ("polled(H)", 5),
}
BUFFER = {
    **{
        f"SYNC {access} {edge}": (f"sync(B, {access} | {edge})", OK)
        for access in (1, 2, 3)
        for edge in (0, 4)
    },
    "SYNC of a read-only buffer": ("sync(R, RW)", OK),
    "SYNC 0": ("sync(B, 0)", "EINVAL"),
    "SYNC END alone": ("sync(B, END)", "EINVAL"),
    "SYNC bit 3": ("sync(B, RW | 8)", "EINVAL"),
    "SYNC bit 63": ("sync(B, RW | 2**63)", "EINVAL"),
    "SYNC NULL": ("call(libc.ioctl, B, SYNC, None)", "EFAULT"),
    "unknown ioctl": ("call(libc.ioctl, B, 0x6209, None)", "ENOTTY"),
    "31 characters": ("call(libc.ioctl, B, SET_NAME, b'n' * 31)", OK),
    "32 characters": ("call(libc.ioctl, B, SET_NAME, b'n' * 32)", "EINVAL"),
    "name NULL": ("call(libc.ioctl, B, SET_NAME, None)", "EFAULT"),
    "name, _A": ("call(libc.ioctl, B, SET_NAME_A, b'short')", OK),
    "link with a name": ("link(B)", "/dmabuf:short"),
    "empty name": ("call(libc.ioctl, B, SET_NAME, b'')", OK),
    "link without a name": ("link(B)", "/dmabuf:"),
    "name at the end of a page": ("call(libc.ioctl, B, SET_NAME, AT_END)", OK),
    "EXPORT 1": ("exported(1)", OK),
    "EXPORT 3": ("exported(3)", OK),
    "EXPORT 0": ("exported(0)", "EINVAL"),
    "EXPORT 4": ("exported(4)", "EINVAL"),
    "EXPORT NULL": ("call(libc.ioctl, B, EXPORT, None)", "EFAULT"),
    "IMPORT 2": ("imported(2, FENCE)", OK),
    "IMPORT bad fd": ("imported(2, 999)", "EINVAL"),
    "IMPORT another file": ("imported(2, H)", "EINVAL"),
    "a sync file is ready": ("polled(FENCE) & 1", 1),
    "read": ("call(libc.read, B, BYTES, 8)", "EINVAL"),
    "write": ("call(libc.write, B, BYTES, 8)", "EINVAL"),
    "pread": ("call(libc.pread, B, BYTES, 8, 0)", "EINVAL"),
    "ftruncate": ("call(libc.ftruncate, B, 4096)", "EINVAL"),
    "fallocate": ("call(libc.fallocate, B, 0, 0, 4096)", "ENODEV"),
    "lseek END 0": ("call(libc.lseek, B, 0, 2)", 31 * 4096),
    "lseek SET 0": ("call(libc.lseek, B, 0, 0)", 0),
    "lseek SET 1": ("call(libc.lseek, B, 1, 0)", "EINVAL"),
    "lseek CUR 0": ("call(libc.lseek, B, 0, 1)", "EINVAL"),
    "lseek END 1": ("call(libc.lseek, B, 1, 2)", "EINVAL"),
    "poll": ("polled(B)", 5),
    "access mode, read-write": ("flags(B)", 2),
    "access mode, read-only": ("flags(R)", 0),
    "access mode, write-only": ("flags(W)", 1),
    "access mode 3": ("flags(alloc_fd(4096, fd_flags=3))", 3),
    "close-on-exec": ("os.get_inheritable(B)", False),
    "no close-on-exec": ("os.get_inheritable(alloc_fd(4096, fd_flags=2))", True),
    "mode": ("oct(os.fstat(B).st_mode)", "0o600"),
    "size and blocks": ("[os.fstat(B).st_size, os.fstat(B).st_blocks]", [126976, 248]),
    "size rounds up": ("os.fstat(alloc_fd(4097)).st_size", 8192),
}
MMAP = {
    "shared": ("mmap_(B, 31 * 4096)", OK),
    "length 4095": ("mmap_(B, 4095)", OK),
    "offset 4096": ("mmap_(B, 4096, offset=4096)", OK),
    "PROT_EXEC": ("mmap_(B, 4096, prot=5)", OK),
    "past the end": ("mmap_(B, 32 * 4096)", "EINVAL"),
    "offset is the size": ("mmap_(B, 4096, offset=31 * 4096)", "EINVAL"),
    "offset no page": ("mmap_(B, 4096, offset=1)", "EINVAL"),
    "offset 2^63-4096": ("mmap_(B, 4096, offset=2**63 - 4096)", "EINVAL"),
    "length 0": ("mmap_(B, 0)", "EINVAL"),
    "read-write of a read-only buffer": ("mmap_(R, 4096)", "EACCES"),
    "read-only of a read-only buffer": ("mmap_(R, 4096, prot=1)", OK),
    "write of a write-only buffer": ("mmap_(W, 4096, prot=2)", "EACCES"),
    "of access mode 3": ("mmap_(alloc_fd(4096, fd_flags=3), 4096)", "EACCES"),
    "DONTNEED": ("advised(4)", "EINVAL"),
    "DOFORK": ("advised(11)", "EINVAL"),
    "DONTFORK": ("advised(10)", OK),
    "REMOVE": ("advised(9)", "ENODEV"),
}
PRIVATE = {
    "system": ["EINVAL", OK],
    "default_cma_region": ["EINVAL", "EINVAL"],
}
OF_ALL_AND_ONE_PAGE = "[mmap_(B, 31 * 4096, flags=2), mmap_(B, 4096, flags=2)]"
ROWS = {**ALLOCATION, **{f"heap {k}": v for k, v in HEAP_FILE.items()}}
ROWS |= {f"buffer {k}": v for k, v in BUFFER.items()}
ROWS |= {f"mmap {k}": v for k, v in MMAP.items()}
PROGRAM = """
    import select, fcntl

    NAME, ROWS = sys.argv[1], json.loads(sys.argv[2])
    H, BYTES = heap(NAME), ctypes.create_string_buffer(64)
    TEXT = bytes(request(4096))
    PAGES = libc.mmap(None, 8192, 3, 0x22, -1, 0)
    ctypes.memmove(PAGES, TEXT, 64)
    ctypes.memmove(PAGES + 4096 - 6, b"short", 6)
    libc.mprotect(ctypes.c_void_p(PAGES), 4096, 1)
    libc.munmap(PAGES + 4096, 4096)
    READ_ONLY, AT_END = PAGES, PAGES + 4096 - 6

    def alloc(length, **fields):
        data = request(length, **fields)
        told = call(libc.ioctl, H, ALLOC, data)
        if told == 0:
            os.close(answered_fd(data))
        return told

    def alloc_fd(length, **fields):
        data = request(length, **fields)
        assert call(libc.ioctl, H, ALLOC, data) == 0
        return answered_fd(data)

    def sized(size, direction):
        bits = ("w" in direction) << 30 | ("r" in direction) << 31
        data = request(4096)
        told = call(libc.ioctl, H, bits | size << 16 | 0x4800, data)
        return [told, bool(answered_fd(data))]

    def mmap_(fd, length, prot=3, flags=1, offset=0):
        told = call(libc.mmap, None, length, prot, flags, fd, offset)
        return told if isinstance(told, str) else 0

    def advised(advice):
        at = libc.mmap(None, 4096, 3, 1, B, 0)
        return call(libc.madvise, at, 4096, advice)

    def polled(fd):
        poll = select.poll()
        poll.register(fd, select.POLLIN | select.POLLOUT)
        return poll.poll(0)[0][1]

    def sync_file(command, flags, fd):
        data = ctypes.create_string_buffer(struct.pack("=Ii", flags, fd))
        return call(libc.ioctl, B, command, data), struct.unpack_from("=i", data, 4)[0]

    def exported(flags):
        return sync_file(EXPORT, flags, -1)[0]

    def imported(flags, fd):
        return sync_file(IMPORT, flags, fd)[0]

    def link(fd):
        return os.readlink(f"/proc/self/fd/{fd}")

    def flags(fd):
        return fcntl.fcntl(fd, fcntl.F_GETFL)

    B, R, W = (alloc_fd(31 * 4096, fd_flags=m | CLOEXEC) for m in (2, 0, 1))
    FENCE = sync_file(EXPORT, RW, -1)[1]
    answer({row: eval(text) for row, text in ROWS.items()})
"""


@pytest.fixture(scope="module")
def answers():
    return {}


def told(answers, program, heap):
    """What the program of that heap says; it runs once."""
    if heap not in answers:
        rows = {row: text for row, (text, _) in ROWS.items()}
        rows["private"] = OF_ALL_AND_ONE_PAGE
        answers[heap] = program(PROGRAM, heap, json.dumps(rows)).answer
    return answers[heap]


@pytest.mark.parametrize("heap", PRIVATE)
@pytest.mark.parametrize("row", ROWS)
def test_a_program_gets_the_kernels_answer(answers, program, heap, row):
    assert told(answers, program, heap)[row] == ROWS[row][1]


@pytest.mark.parametrize("heap", PRIVATE)
def test_a_private_mapping_is_refused_as_the_heap_does(answers, program, heap):
    assert told(answers, program, heap)["private"] == PRIVATE[heap]


def test_a_secure_buffer_cannot_be_mapped(program):
    ran = program("""
        fd = allocate(4096, "protected,secure-video")
        answer(call(libc.mmap, None, 4096, 3, 1, fd, 0))
    """)
    assert ran.answer == "EINVAL"
