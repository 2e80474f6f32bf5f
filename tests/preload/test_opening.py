# SPDX-License-Identifier: MIT
"""Finding and opening heaps, in the ways programs do."""

import os

import pytest

import heapkit as hk
from heapkit import MiB


@pytest.fixture
def names(bench):
    return sorted(bench.heap_names)


def test_the_directory_lists_the_boards_heaps(program, names):
    assert program("answer(sorted(os.listdir(DIRECTORY)))").answer == names


def test_entries_are_character_devices_without_a_stat(program):
    ran = program("""
        import stat
        answer([entry.is_file() for entry in os.scandir(DIRECTORY)])
    """)
    assert not any(ran.answer)


@pytest.mark.parametrize(
    "call", ["os.stat(P)", "os.lstat(P)", "os.fstat(os.open(P, 0))"]
)
def test_a_heap_is_a_character_device_of_its_owner_alone(program, call):
    ran = program(f"P = DIRECTORY + '/system'\nanswer(oct({call}.st_mode))")
    assert ran.answer == "0o20600"


def test_each_heap_has_a_device_number_of_its_own(program, names):
    ran = program(
        "answer(sorted(os.stat(f'{DIRECTORY}/{n}').st_rdev"
        " for n in os.listdir(DIRECTORY)))"
    )
    assert len(set(ran.answer)) == len(names)


@pytest.mark.parametrize("flags", ["os.O_RDONLY", "os.O_WRONLY", "os.O_RDWR"])
def test_a_heap_opens_in_any_access_mode_and_allocates(program, flags):
    ran = program(f"""
        file, data = heap("system", {flags}), request(4096)
        answer([call(libc.ioctl, file, ALLOC, data), answered_fd(data) > 2])
    """)
    assert ran.answer == [0, True]


def test_a_name_that_is_no_heap_is_enoent(program):
    ran = program("answer(call(libc.open, b'/dev/dma_heap/none', os.O_RDWR))")
    assert ran.answer == "ENOENT"


@pytest.mark.parametrize("flags", ["os.O_CREAT | os.O_RDWR", "os.O_TRUNC | os.O_RDWR"])
def test_opening_makes_and_empties_nothing(program, flags):
    ran = program(f"""
        answer([call(libc.open, b"/dev/dma_heap/none", {flags}, 0o600),
                "none" in os.listdir(DIRECTORY)])
    """)
    assert ran.answer == ["ENOENT", False]


@pytest.mark.parametrize(
    "path",
    ["/dev//dma_heap/system", "/dev/./dma_heap/system", "/dev/x/../dma_heap/system"],
)
def test_a_path_is_understood_however_it_is_spelt(program, path):
    assert program(f"answer(os.path.exists({path!r}))").answer


def test_a_heap_opens_relative_to_its_directory(program):
    ran = program("""
        there = os.open(DIRECTORY, os.O_RDONLY | os.O_DIRECTORY)
        file, data = os.open("system", os.O_RDWR, dir_fd=there), request(4096)
        answer(call(libc.ioctl, file, ALLOC, data))
    """)
    assert ran.answer == 0


def test_access_glob_realpath_and_readlink_know_the_devices(program):
    ran = program("""
        import glob
        P = DIRECTORY + "/system"
        answer([os.access(P, os.R_OK | os.W_OK), glob.glob(DIRECTORY + "/sys*m"),
                os.path.realpath(P), os.readlink(f"/proc/self/fd/{heap()}")])
    """)
    device = "/dev/dma_heap/system"
    assert ran.answer == [True, [device], device, device]


def test_what_lies_beside_the_directory_is_the_machines(program):
    ran = program(
        "answer([os.path.exists('/dev/null'), os.listdir('/dev/dma_heap/..')])"
    )
    assert ran.answer == [True, os.listdir("/dev")]  # noqa: PTH208 - the same call


def test_loads_and_udmabuf_are_no_heaps_of_the_directory(program):
    board = hk.Board(
        name="lends",
        memory=hk.Memory(total=256 * MiB),
        heaps=(
            hk.SystemHeap(),
            hk.UdmabufHeap(),
            hk.PageLoad(name="apps"),
        ),
    )
    ran = program("answer(sorted(os.listdir(DIRECTORY)))", board=board)
    assert ran.answer == ["system"]


def test_a_shell_lists_tests_and_expands_the_devices(run, names):
    script = "test -c /dev/dma_heap/system && cd /dev/dma_heap && echo /dev/dma_heap/*"
    assert run("sh", "-c", script).output.split() == [
        f"/dev/dma_heap/{n}" for n in names
    ]


def test_ls_shows_devices(run, names):
    lines = run("ls", "-l", "/dev/dma_heap").output.splitlines()[1:]
    assert [line.split()[-1] for line in lines] == names
    assert {line[:10] for line in lines} == {"crw-------"}
