# SPDX-License-Identifier: MIT
"""A buffer is freed when its last reference goes, whichever that is, and not before."""

import pytest

# The carveout has 16 MiB: a second buffer of this size fits when the first is free.
PROLOGUE = """
    SIZE = 12 << 20
    def fits():
        try:
            os.close(allocate(SIZE, "camera"))
        except OSError:
            return False
        return True
    fd = allocate(SIZE, "camera")
"""
WAYS = {
    "close": "os.close(fd)",
    "close of both": "other = os.dup(fd); os.close(fd); os.close(other)",
    "dup2 over it": "os.dup2(0, fd)",
    "dup3 over it": "os.dup2(0, fd, inheritable=False)",
    "closerange": "os.closerange(fd, fd + 1)",
    "munmap after close": "m = mapped(fd); os.close(fd); m.close()",
    "munmap in two pieces": """
        at = libc.mmap(None, SIZE, 3, 1, fd, 0)
        os.close(fd)
        libc.munmap(at, SIZE // 2)
        assert not fits()
        libc.munmap(at + SIZE // 2, SIZE // 2)""",
}
HOLDS = {
    "dup": "other = os.dup(fd); os.close(fd)",
    "mapping": "at = libc.mmap(None, 4096, 3, 1, fd, 0); os.close(fd)",
    "child": """
        import time
        parent = os.getpid()
        if not os.fork():
            while os.getppid() == parent:  # the buffer is held as long as that one runs
                time.sleep(0.01)
            os._exit(0)
        os.close(fd)""",
    "message on its way": """
        import socket
        ours, theirs = socket.socketpair()
        socket.send_fds(ours, [b"x"], [fd])
        os.close(fd)""",
}


def text(way):
    indented = way if way.startswith("\n") else "\n        " + way
    body = "\n".join(line[4:] for line in indented.splitlines())
    return PROLOGUE + body + "\n    answer(fits())\n"


@pytest.mark.parametrize("way", WAYS)
def test_memory_is_free_at_once_after(program, way):
    assert program(text(WAYS[way])).answer


@pytest.mark.parametrize("way", HOLDS)
def test_memory_is_held_by_a(program, way):
    ran = program(text(HOLDS[way]))
    assert not ran.answer


def test_a_killed_process_gives_its_memory_back(program):
    ran = program(
        PROLOGUE
        + """
    os.close(fd)
    import signal, time
    ready = os.pipe()
    if not (pid := os.fork()):
        fd = allocate(SIZE, "camera")
        memory = mapped(fd)
        os.write(ready[1], b"x")
        signal.pause()
    os.read(ready[0], 1)
    before = fits()
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    answer([before, fits()])
    """
    )
    assert ran.answer == [False, True]
    assert [held.size for held in ran.left] == [12 << 20]


def test_what_a_program_left_open_is_told(program):
    ran = program("""
        closed, kept = allocate(4096), allocate(8192, "camera")
        call(libc.ioctl, kept, SET_NAME, b"forgotten")
        os.close(closed)
        answer(os.getpid())
    """)
    (held,) = ran.left
    assert (held.heap, held.size, held.name) == ("camera", 8192, "forgotten")
    assert held.process.endswith(f":{ran.answer}")
    assert not ran.open


def test_a_child_that_goes_on_is_told_and_loses_its_heaps(program, tmp_path):
    said = tmp_path / "said"
    ran = program(
        """
        import time
        fd = allocate(4096)
        if not os.fork():
            parent = os.getppid()
            while os.getppid() == parent:
                time.sleep(0.01)
            while os.path.exists(DIRECTORY):
                time.sleep(0.01)
            with mapped(fd, 4096) as memory:
                memory[:2] = b"ok"
                told = [memory[:2].decode()]
            with open(sys.argv[1] + ".part", "w") as file:
                json.dump([sync(fd, RW)], file)
            os.rename(sys.argv[1] + ".part", sys.argv[1])
            os._exit(0)
        answer("ended")
        """,
        str(said),
    )
    assert ran.answer == "ended"
    assert [held.size for held in ran.open] == [4096]
