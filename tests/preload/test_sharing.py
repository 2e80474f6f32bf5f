# SPDX-License-Identifier: MIT
"""One state for all processes of a run, and memory that is shared as a buffer's is."""

import pytest

from heapkit import MiB


def test_a_fresh_buffer_is_zero_also_after_a_dirty_one(program):
    ran = program("""
        for _ in range(2):
            fd = allocate(1 << 20)
            with mapped(fd) as memory:
                clean = memory[:] == bytes(1 << 20)
                memory[:] = b"\\xff" * (1 << 20)
            os.close(fd)
        answer(clean)
    """)
    assert ran.answer


def test_a_write_is_seen_through_dup_and_a_second_mapping(program):
    ran = program("""
        fd = allocate(8192)
        other = os.dup(fd)
        with mapped(fd) as one, mapped(other) as two:
            one[4096:4099] = b"abc"
            answer(bytes(two[4096:4099]).decode())
    """)
    assert ran.answer == "abc"


def test_a_child_shares_a_mapping_and_can_sync(program):
    ran = program("""
        fd = allocate(4096)
        memory = mapped(fd)
        if not (pid := os.fork()):
            memory[:3] = b"abc"
            os._exit(0 if sync(fd, RW) == 0 and sync(fd, RW | END) == 0 else 1)
        answer([os.waitpid(pid, 0)[1], memory[:3].decode()])
    """)
    assert ran.answer == [0, "abc"]


def test_a_buffer_goes_through_a_socket_to_another_process(program):
    ran = program("""
        import array, socket
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        if not (pid := os.fork()):
            ours.close()
            _, (fd,), _, _ = socket.recv_fds(theirs, 1, 1)
            with mapped(fd) as memory:
                memory[:5] = b"child"
            os._exit(0 if sync(fd, RW) == 0 else 1)
        fd = allocate(4096)
        socket.send_fds(ours, [b"x"], [fd])
        status = os.waitpid(pid, 0)[1]
        with mapped(fd) as memory:
            answer([status, memory[:5].decode()])
    """)
    assert ran.answer == [0, "child"]


@pytest.mark.parametrize(
    ("flags", "kept"), [("os.O_RDWR", True), ("2 | CLOEXEC", False)]
)
def test_exec_keeps_a_descriptor_unless_asked_to_close_it(program, flags, kept):
    ran = program(f"""
        fd = allocate(4096, fd_flags={flags})
        text = "from door import *; answer(sync(" + str(fd) + ", RW))"
        os.execv(sys.executable, [sys.executable, "-S", "-c", text])
    """)
    assert ran.answer == (0 if kept else "EBADF")


def test_two_processes_fill_one_heap(program):
    ran = program("""
        os.set_inheritable(heap("camera"), True)
        held = allocate(12 << 20, "camera")
        if not (pid := os.fork()):
            try:
                allocate(12 << 20, "camera")
            except OSError as error:
                os._exit(error.errno)
            os._exit(0)
        answer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """)
    assert ran.answer == 12  # ENOMEM


def test_a_child_of_its_own_process_image_sees_the_heaps(program):
    ran = program("""
        import subprocess
        listed = subprocess.run(["ls", DIRECTORY], capture_output=True, check=True)
        answer("camera" in listed.stdout.decode())
    """)
    assert ran.answer


def test_threads_allocate_at_once(program):
    ran = program("""
        from concurrent.futures import ThreadPoolExecutor
        def some(_):
            for _ in range(20):
                fd = allocate(4096)
                assert sync(fd, RW) == 0
                os.close(fd)
            return 20
        with ThreadPoolExecutor(8) as pool:
            answer(sum(pool.map(some, range(8))))
    """)
    assert ran.answer == 160
    assert ran.counts["ALLOC"] == ran.counts["FREE"] == 160


def test_a_child_that_shares_its_parents_memory_does_not_take_its_connection(program):
    # vfork(), as posix_spawn() and subprocess use it, and a program that closes all
    # it does not know in between.
    ran = program("""
        import subprocess
        fd = allocate(4096)
        for _ in range(5):
            subprocess.run(["true"], check=True, close_fds=True)
        os.closerange(fd + 1, 2000)
        answer([sync(fd, RW), sync(fd, RW | END)])
    """)
    assert ran.answer == [0, 0]


def test_a_program_that_closes_every_descriptor_keeps_its_heaps(program):
    ran = program("""
        allocate(4096)
        for number in range(3, 1024):
            try:
                os.close(number)
            except OSError:
                pass
        answer(sync(allocate(4096), RW))
    """)
    assert ran.answer == 0
    assert ran.left[0].size == 4096


def test_the_programs_own_numbers_are_the_lowest(program):
    # allocate() opens a heap of its own, which it closes again.
    assert program("answer([heap(), heap(), allocate(4096)])").answer == [3, 4, 6]


def test_a_full_table_of_files_is_emfile_and_frees_the_buffer(program):
    ran = program("""
        import resource
        file = heap("camera")
        allocate(4096)
        full = []
        try:
            while True:
                full.append(os.dup(file))
        except OSError:
            pass
        told = call(libc.ioctl, file, ALLOC, request(1 << 20))
        for number in full:
            os.close(number)
        answer(told)
    """)
    assert ran.answer == "EMFILE"
    assert ran.counts["FREE"] == ran.counts["ALLOC"] == 2


def test_hints_of_no_use_do_not_stop_a_signal_handler_from_allocating(program):
    ran = program("""
        import signal
        done = []
        def handle(*_):
            os.close(allocate(4096))
            done.append(1)
        signal.signal(signal.SIGALRM, handle)
        # Rarely enough to get on, however slow the machine is.
        signal.setitimer(signal.ITIMER_REAL, 0.01, 0.1)
        for _ in range(200):
            os.close(allocate(4096))
        signal.setitimer(signal.ITIMER_REAL, 0)
        answer(len(done) > 0)
    """)
    assert ran.answer


def test_memory_is_limited_as_the_board_says(program):
    ran = program("""
        held = []
        try:
            while True:
                held.append(allocate(1 << 20, "camera"))
        except OSError as error:
            answer([len(held), error.errno])
    """)
    assert ran.answer == [16, 12]
    assert sum(buffer.size for buffer in ran.left) == 16 * MiB
