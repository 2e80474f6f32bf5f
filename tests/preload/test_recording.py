# SPDX-License-Identifier: MIT
"""What a run leaves behind: a trace, whatever ends the program or fills the disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import heapkit as hk
from heapkit import MiB, Op, Trace, preload

HERE = Path(__file__).resolve().parent
FRAMES = """
    for i in range(3):
        fd = allocate(1 << 20, "camera")
        memory = mapped(fd)
        sync(fd, WRITE), sync(fd, WRITE | END)
        memory.close()
        os.close(fd)
    answer(os.getpid())
"""
FRAME = [Op.ALLOC, Op.MMAP, Op.BEGIN_CPU, Op.END_CPU, Op.MUNMAP, Op.FREE]
# Allocates and frees until somebody ends it.
FOREVER = """
import time
print("started", flush=True)
while True:
    os.close(allocate(4096))
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.parquet"


def test_a_trace_has_what_the_program_did_in_order(program, path):
    ran = program(FRAMES, record=path)
    trace = Trace.read(path)
    assert trace.op.tolist() == [int(op) for op in FRAME] * 3
    assert "camera" in trace.heaps
    assert set(trace.access[trace.op == Op.BEGIN_CPU].tolist()) == {2}
    assert set(trace.size[trace.op == Op.ALLOC].tolist()) == {1 * MiB}
    assert trace.processes == (f"{Path(sys.executable).name}:{ran.answer}",)


def test_a_trace_replays_on_its_board(program, path, bench):
    program(FRAMES, record=path)
    run = hk.replay(Trace.read(path), bench)
    assert not (run["status"] < 0).any()


def test_an_allocation_that_fails_fails_in_the_replay_too(program, path, bench):
    ran = program(
        """
        held = []
        try:
            while True:
                held.append(allocate(5 << 20, "camera"))
        except OSError:
            answer(len(held))
        """,
        record=path,
    )
    run = hk.replay(Trace.read(path), bench)
    failed = (run["op"] == Op.ALLOC) & (run["status"] == -12)
    assert ran.answer == 3
    assert failed.sum() == ran.counts["failed"] == 1


def test_a_failure_on_request_is_counted_and_not_recorded(program, path):
    ran = program(
        """
        told = [call(libc.ioctl, heap(), ALLOC, request(4096)) for _ in range(4)]
        answer(told)
        """,
        record=path,
        fail={"system": (2, 4)},
    )
    assert ran.answer == [0, "ENOMEM", 0, "ENOMEM"]
    assert ran.counts["injected"] == 2
    assert (Trace.read(path).op == Op.ALLOC).sum() == 2


def test_a_share_fails_the_same_way_with_the_same_seed(program):
    text = """
        file = heap()
        answer([call(libc.ioctl, file, ALLOC, request(4096)) for _ in range(100)])
    """
    runs = [program(text, fail={"system": 0.3}, seed=7).answer for _ in range(2)]
    assert runs[0] == runs[1]
    assert 10 < runs[0].count("ENOMEM") < 60


def test_latency_is_what_the_board_says_times_the_factor(program, bench):
    board = bench.replace({"costs.allocate_call": 20e6})
    text = """
        import time
        before = time.monotonic()
        os.close(allocate(4096))
        answer(time.monotonic() - before)
    """
    assert program(text, board=board, latency=1.0).answer >= 0.02


def test_two_processes_are_told_apart(program, path):
    program(
        """
        import subprocess
        os.close(allocate(4096))
        if not (pid := os.fork()):
            os.close(allocate(8192))
            os._exit(0)
        os.waitpid(pid, 0)
        answer(0)
        """,
        record=path,
    )
    trace = Trace.read(path)
    assert len(trace.processes) == 2
    assert len(set(trace.process.tolist())) == 2


# --- The command ---------------------------------------------------------------------


def command(path, text, *options):
    text = "from door import *\n" + text
    return [
        *(sys.executable, "-m", "heapkit", "run", "--board", "phone-8g"),
        *("--record", str(path), *options, "--"),
        *(sys.executable, "-S", "-c", text),
    ]


# What started the tests may ignore some signals, as nohup does, and all inherit it.
HEEDS_SIGNALS = ("env", "--default-signal")


@pytest.fixture
def start(tmp_path):
    """The command in the background, with a temporary directory of its own."""
    running = []
    (tmp_path / "tmp").mkdir()

    def start(*argv, **options):
        env = {**os.environ, "PYTHONPATH": str(HERE), "TMPDIR": str(tmp_path / "tmp")}
        child = subprocess.Popen(
            (*HEEDS_SIGNALS, *argv),
            env=env,
            cwd=HERE.parents[1],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            **options,
        )
        running.append(child)
        return child

    yield start
    for child in running:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_program_and_the_trace_is_whole(start, path, number):
    child = start(*command(path, FOREVER))
    assert child.stdout.readline() == "started\n"
    time.sleep(0.2)
    child.send_signal(number)
    child.communicate(timeout=60)
    # Python turns SIGINT into an exception and ends itself by the signal.
    assert child.returncode == 128 + number
    trace = Trace.read(path)
    assert (trace.op == Op.ALLOC).sum() > 10


def test_nothing_is_left_in_the_temporary_directory(start, path, tmp_path):
    child = start(*command(path, FOREVER))
    child.stdout.readline()
    assert list((tmp_path / "tmp").iterdir())
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert not list((tmp_path / "tmp").iterdir())
    assert [entry.name for entry in path.parent.iterdir()] != []
    assert not list(path.parent.glob(".*partial*"))


def test_a_signal_that_the_program_survives_does_not_end_the_run(start, path):
    text = """
import signal
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("started", flush=True)
signal.pause()
"""
    child = start(*command(path, text))
    child.stdout.readline()
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=60)
    assert child.returncode == 7


@pytest.fixture
def disk(tmp_path, skip_or_fail):
    """A disk of 2 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        skip_or_fail("a small disk needs the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_leaves_a_trace_of_what_fitted(program, disk, monkeypatch):
    monkeypatch.setattr("heapkit.preload.running.ROW_GROUP", 256)

    def fill(_program):
        room = os.statvfs(disk)
        (disk / "rest").write_bytes(bytes((room.f_bavail - 1) * room.f_bsize))

    ran = program(
        """
        for _ in range(1000):
            os.close(allocate(4096))
        answer("done")
        """,
        record=disk / "run.parquet",
        started=fill,
    )
    assert (ran.answer, ran.status) == ("done", 0)
    assert "the disk is full" in ran.problem
    assert 256 <= len(Trace.read(disk / "run.parquet")) < 2000


def test_a_trace_that_cannot_be_written_is_told_before_the_program_starts(start):
    child = start(*command("/nowhere/run.parquet", "print('started')"))
    output, errors = child.communicate(timeout=60)
    assert (child.returncode, output) == (2, "")
    assert errors.startswith("heapkit: ")


def test_what_came_of_it_is_json_on_request(start, path, tmp_path):
    facts = tmp_path / "facts.json"
    text = "allocate(4096, 'camera')"
    child = start(*command(path, text, "--json", str(facts), "--quiet"))
    output, errors = child.communicate(timeout=60)
    told = json.loads(facts.read_text())
    assert (output, errors, child.returncode) == ("", "", 0)
    assert told["status"] == 0
    assert told["counts"]["ALLOC"] == 1
    assert [held["heap"] for held in told["left"]] == ["camera"]


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["sh", "-c", "exit 5"], 5),
        (["sh", "-c", "kill -KILL $$"], 137),
        (["no-such-program"], 127),
        (["/etc/passwd"], 126),
    ],
)
def test_the_exit_status_is_the_programs_as_a_shell_says_it(bench, argv, status):
    assert preload.run(bench, argv).status == status


def test_a_static_program_is_warned_of(bench, tmp_path):
    made = tmp_path / "static"
    subprocess.run(
        ["cc", "-static", "-x", "c", "-o", str(made), "-"],
        input="int main(void) { return 0; }",
        text=True,
        check=True,
    )
    assert "statically linked" in preload.run(bench, [str(made)]).warning
