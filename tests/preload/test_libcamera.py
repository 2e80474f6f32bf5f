# SPDX-License-Identifier: MIT
"""libcamera's cam captures frames of its virtual camera into simulated buffers."""

import platform
import subprocess

import pytest

import heapkit as hk
from heapkit import Op, Trace
from tests.live.debian import RigError
from tests.preload import libcamera

FRAMES = 8
BUFFERS = 4  # what the virtual camera asks for
NV12 = 640 * 480 * 3 // 2


@pytest.fixture(scope="module")
def cam():
    from tests.conftest import skip_or_fail

    if platform.machine() != "x86_64":
        skip_or_fail("the packages of cam are those of x86-64")
    if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        skip_or_fail("cam's camera is described in /usr/share: it needs root")
    try:
        return libcamera.command(libcamera.root())
    except RigError as error:
        skip_or_fail(f"no libcamera of Debian {libcamera.SUITE}: {error}")


def test_cam_captures_into_buffers_of_the_cma_heap(run, cam, tmp_path):
    path = tmp_path / "cam.parquet"
    ran = run(*cam, board=hk.Board.preset("raspberry-pi-4g"), record=path)
    frames = [line for line in ran.output.splitlines() if "cam0-stream0" in line]
    trace = Trace.read(path)
    allocated = trace.op == Op.ALLOC
    assert (ran.status, len(frames)) == (0, FRAMES), ran.output
    assert trace.size[allocated].tolist() == [NV12] * BUFFERS
    assert {trace.heaps[code] for code in trace.chain[allocated]} == {"linux,cma"}
    assert ran.counts["FREE"] == BUFFERS


def test_cam_takes_the_system_heap_where_there_is_no_cma(run, cam, bench):
    assert run(*cam, board=bench).counts["ALLOC"] == BUFFERS


def test_cam_fails_where_the_memory_fails(run, cam, bench):
    ran = run(*cam, board=bench, fail={"system": 2})
    assert ran.counts["ALLOC"] < BUFFERS
    assert "cam0-stream0" not in ran.output
