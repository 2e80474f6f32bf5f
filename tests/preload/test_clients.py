# SPDX-License-Identifier: MIT
"""Real clients of DMA-BUF heaps, unmodified, on a board that has their heaps."""

import pytest

import heapkit as hk
from tests.preload import packages

# Both look for the Raspberry Pi's CMA heap, which its preset has.
BOARD = "raspberry-pi-4g"
PICAMERA2 = ("picamera2==0.3.38", "videodev2==0.0.4")
ACTFW = ("actfw-core==2.21.0",)

# picamera2/__init__.py wants libcamera: the one module is loaded by itself.
PICAMERA2_PROGRAM = """
    import fcntl, importlib.util
    path = os.path.join(sys.argv[1], "picamera2", "dma_heap.py")
    spec = importlib.util.spec_from_file_location("dma_heap", path)
    dma_heap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(dma_heap)

    heap = dma_heap.DmaHeap()
    # As its DmaAllocator does for the planes of a 1080p YUV420 frame.
    frames = [heap.alloc(b"picamera2-%d" % i, 1920 * 1080 * 3 // 2) for i in range(4)]
    for i, frame in enumerate(frames):
        with mapped(frame.get()) as memory:
            begin = dma_heap.DMA_BUF_SYNC_START | dma_heap.DMA_BUF_SYNC_RW
            end = dma_heap.DMA_BUF_SYNC_END | dma_heap.DMA_BUF_SYNC_RW
            for flags in (begin, end):
                sync = dma_heap.dma_buf_sync()
                sync.flags = flags
                fcntl.ioctl(frame.get(), dma_heap.DMA_BUF_IOCTL_SYNC, sync)
                memory[:16] = bytes([i]) * 16
    answer([heap.isValid, [os.readlink(f"/proc/self/fd/{f.get()}") for f in frames]])
    for frame in frames[1:]:
        os.close(frame.get())
    heap.close()
"""
ACTFW_PROGRAM = """
    import types
    # actfw_core/__init__.py wants a camera's libraries: only its part "linux" is used.
    package = types.ModuleType("actfw_core")
    package.__path__ = [os.path.join(sys.argv[1], "actfw_core")]
    sys.modules["actfw_core"] = package
    from actfw_core.linux.dma_heap import DMAHeap

    heap = DMAHeap()
    fds = [heap.alloc("frame-%d" % i, 640 * 480 * 3) for i in range(3)]
    links = [os.readlink(f"/proc/self/fd/{fd}") for fd in fds]
    answer([links, os.fstat(fds[0]).st_size])
"""


@pytest.fixture(params=[PICAMERA2, ACTFW], ids=["picamera2", "actfw-core"])
def site(request, skip_or_fail):
    try:
        return str(packages.unpacked(*request.param))
    except packages.NotFetched as error:
        skip_or_fail(f"{request.param[0]} cannot be fetched: {error}")


@pytest.fixture
def client(program, site):
    def client(text, **options):
        board = hk.Board.preset(BOARD)
        return program(text, site, board=board, site=site, **options)

    return client


@pytest.mark.parametrize("site", [PICAMERA2], indirect=True, ids=["picamera2"])
def test_picamera2_allocates_names_maps_and_syncs_its_frames(client):
    ran = client(PICAMERA2_PROGRAM)
    assert ran.answer == [True, [f"/dmabuf:picamera2-{i}" for i in range(4)]]
    assert ran.counts["ALLOC"] == 4
    assert ran.counts["BEGIN_CPU"] == ran.counts["END_CPU"] == 4
    assert [held.name for held in ran.left] == ["picamera2-0"]


@pytest.mark.parametrize("site", [PICAMERA2], indirect=True, ids=["picamera2"])
def test_picamera2_meets_an_allocation_that_fails(client):
    ran = client(PICAMERA2_PROGRAM, fail={"linux,cma": 3})
    assert ran.status == 1
    assert ran.counts["ALLOC"] == 2


@pytest.mark.parametrize("site", [ACTFW], indirect=True, ids=["actfw-core"])
def test_actfw_allocates_and_names_its_frames(client):
    ran = client(ACTFW_PROGRAM)
    assert ran.answer == [[f"/dmabuf:frame-{i}" for i in range(3)], 921600]
    assert len(ran.left) == 3
