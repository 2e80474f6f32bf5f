# SPDX-License-Identifier: MIT
"""A recording as a handle: it runs beside the program and never ends in silence."""

import json
import os
import resource
import subprocess
import sys
import threading

import pytest

import heapkit as hk
from heapkit import Op, cli
from heapkit.errors import BackendUnavailable, FormatError
from heapkit.recorder.session import now_ns
from tests.conftest import skip_or_fail
from tests.unit.recorder.fake import BUFINFO, cma, release

INTERVAL = 0.002
# Of 10,000 events: HEAPKIT_TEST_SCALE=10 makes them a million.
BATCHES = 10 * int(os.environ.get("HEAPKIT_TEST_SCALE", "1"))
MIB = 1 << 20


def wait_for(condition):
    """The tests have a limit of their own, of minutes."""
    waiting = threading.Event()
    while not condition():
        waiting.wait(0.002)


def seconds():
    return now_ns() / 1e9


@pytest.fixture
def recording(machine, path):
    one = hk.record(path, interval=INTERVAL, root=machine.root)
    yield one
    one.stop()


def test_a_block_leaves_a_whole_file(machine, path):
    with hk.record(path, interval=INTERVAL, root=machine.root) as one:
        machine.trace(cma(seconds(), 0x100, 4))
        wait_for(lambda: one.events)
        assert one.running
        assert one.status == "running"
    assert one.status == "stopped"
    assert len(hk.Trace.read(path)) == one.events == 1


def test_a_block_that_fails_leaves_a_whole_file_too(machine, path):
    def interrupted():
        with hk.record(path, interval=INTERVAL, root=machine.root):
            machine.trace(cma(seconds(), 0x100, 4))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(hk.Trace.read(path)) == 1


def test_stopped_and_resumed_is_one_trace(recording, machine, path):
    machine.trace(cma(seconds(), 0x100, 4))
    wait_for(lambda: recording.events)
    recording.stop()
    assert len(hk.Trace.read(path)) == 1
    machine.list({5: (16384, "reserved")})
    recording.resume()
    machine.trace(cma(seconds(), 0x200, 8))
    wait_for(lambda: recording.events == 4)
    recording.stop()
    trace = hk.Trace.read(path)
    assert trace.op.tolist() == [Op.ALLOC, Op.FREE, Op.ALLOC, Op.ALLOC]
    assert len(trace.meta["pauses_ns"]) == 1


def test_stop_may_be_called_again(recording):
    assert recording.stop().stop().status == "stopped"


def test_what_runs_is_not_resumed_and_not_started_again(recording):
    for call in (recording.resume, recording.start):
        with pytest.raises(ValueError, match="allowed"):
            call()


def test_a_thread_that_dies_says_why_and_leaves_a_whole_file(machine, path):
    one = hk.record(path, interval=INTERVAL, root=machine.root)
    machine.trace(cma(seconds(), 0x100, 4))
    wait_for(lambda: one.events)
    machine.write(BUFINFO, "nonsense\n")
    wait_for(lambda: not one.running)
    assert one.status.startswith("failed: FormatError")
    with pytest.raises(FormatError):
        one.stop()
    one.stop()
    assert len(hk.Trace.read(path)) == 1
    assert not machine.instance.exists()


def test_samples_say_what_is_held_and_are_bounded(recording, machine):
    machine.area(count=100, used=4)
    machine.trace(cma(seconds(), 0x100, 4))
    wait_for(lambda: recording.samples[-1].held)
    assert recording.samples[-1].held == {"reserved": 16384}
    assert recording.samples.maxlen == 10_000


def test_who_watches_is_told_of_the_end(recording):
    seen = []
    recording.watch(lambda: seen.append(recording.status))
    recording.stop()
    assert seen[-1] == "stopped"


def test_the_first_sample_after_a_pause_says_so(recording):
    recording.stop().resume().stop()
    assert sum(sample.resumed for sample in recording.samples) == 1


@pytest.fixture
def disk(tmp_path):
    """A disk of 6 MiB: the reserve of a recording is 4."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "none", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        skip_or_fail("a small disk needs the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_ends_the_command_with_what_fitted(machine, disk, capsys):
    path = disk / "t.parquet"
    arguments = ["record", str(path), "--root", str(machine.root), "--json"]

    def fill():
        # Its room is taken, and the first four bytes are written.
        wait_for(lambda: any(f.stat().st_size == 4 for f in disk.glob(".*.partial")))
        room = os.statvfs(disk)
        (disk / "rest").write_bytes(bytes((room.f_bavail - 1) * room.f_bsize))
        for start in range(1, 200_000, 20_000):
            at = seconds()
            machine.trace(*(cma(at, pfn, 4) for pfn in range(start, start + 20_000)))

    filling = threading.Thread(target=fill)
    filling.start()
    status = cli.main([*arguments, "--interval", str(INTERVAL)])
    filling.join()
    facts = json.loads(capsys.readouterr().out)
    assert (status, facts["status"]) == (1, "disk full")
    trace = hk.Trace.read(path)
    assert len(trace) >= 1 << 16
    assert trace.meta["disk_full"]
    assert {file.name for file in disk.iterdir()} == {"rest", "t.parquet"}


def test_nothing_to_record_is_an_error_at_once(tmp_path):
    with pytest.raises(BackendUnavailable, match="nothing to record"):
        hk.record(tmp_path / "t", root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("interval", [0, -1, float("nan"), 1e6])
def test_an_interval_that_is_none_is_refused(tmp_path, interval):
    with pytest.raises(ValueError, match="interval"):
        hk.record(tmp_path / "t", interval=interval)


def test_many_events_cost_no_memory(machine, path):
    """RSS is of the second half: the first one loads and warms what it needs."""
    batch = 10_000
    peaks = []
    with hk.record(path, interval=INTERVAL, root=machine.root) as one:
        for number in range(BATCHES):
            at = seconds()
            machine.trace(
                *(
                    line
                    for pfn in range(1, batch // 2 + 1)
                    for line in (cma(at, pfn, 4), release(at, pfn, 4))
                )
            )
            wait_for(lambda end=(number + 1) * batch: one.events >= end)
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    assert one.events == BATCHES * batch
    assert peaks[-1] - peaks[BATCHES // 2] < 16 * 1024


def test_the_command_says_what_it_recorded(machine, path, capsys):
    machine.list({5: (MIB, "system")})
    arguments = ["record", str(path), "--root", str(machine.root), "--json"]
    assert cli.main([*arguments, "--seconds", "0.05"]) == 0
    out = capsys.readouterr()
    facts = json.loads(out.out)
    assert (facts["events"], facts["present"], facts["status"]) == (1, 1, "stopped")
    assert facts["sources"]["tracefs"] == "read"
    assert "dmabuf_sysfs" in out.err
    assert len(hk.Trace.read(path)) == 1


def test_the_command_says_why_there_is_nothing_to_record(tmp_path, capsys):
    assert cli.main(["record", str(tmp_path / "t"), "--root", str(tmp_path)]) == 2
    assert "nothing to record" in capsys.readouterr().err


SLOWLY = """
import sys
from heapkit import cli
print("ready", file=sys.stderr, flush=True)
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("signal", ["SIGINT", "SIGTERM"])
def test_a_signal_ends_the_command_with_a_whole_file(tmp_path, path, signal):
    import signal as signals

    text = "size\tflags\tmode\tcount\texp_name\tino\tname\n"
    row = "00004096\t00000002\t00080007\t00000001\tsystem\t00000005\t<none>\n"
    tail = "\tAttached Devices:\nTotal 0 devices attached\n\n"
    tail += "\nTotal 1 objects, 4096 bytes\n"
    file = tmp_path / BUFINFO
    file.parent.mkdir(parents=True)
    file.write_text("\nDma-buf Objects:\n" + text + row + tail)
    (tmp_path / "proc").mkdir()
    arguments = [sys.executable, "-c", SLOWLY, "record", path, "--root", tmp_path]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=-1) as process:
        # The last of the sources is said when the recording runs.
        for said in process.stderr:
            if b"bufinfo" in said:
                break
        process.send_signal(getattr(signals, signal))
        out, _ = process.communicate()
    assert process.returncode == 0
    assert b"1 events" in out
    assert len(hk.Trace.read(path)) == 1
