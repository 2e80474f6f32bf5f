# SPDX-License-Identifier: MIT
"""Fill the CMA heap, free a part, and capture what the kernel says then.

    python tests/live/guest/fragment_and_capture.py DIRECTORY

Run as root in a guest whose kernel has the heap "reserved". Three processes hold
buffers: one allocated them, one has some by descriptor, one keeps a mapping only.
``data/captures/`` was made by it.
"""

import os
import random
import sys
from contextlib import suppress
from pathlib import Path

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.introspection import cma, cma_sysfs, meminfo
from heapkit.introspection.tree import Tree

SEED = 5
SIZES = (64 * KiB, 256 * KiB, 1 * MiB, 3 * MiB, 6 * MiB)
WEIGHTS = (4, 4, 5, 5, 1)
KINDS = {64 * KiB: "params", 256 * KiB: "stats", 1 * MiB: "thumb"}
KINDS |= {3 * MiB: "preview", 6 * MiB: "still"}


def named(comm):
    """Give this process the name that /proc shows."""
    Path("/proc/self/comm").write_text(comm)


def client(comm, buffers, *, mapped):
    """Start a child that holds the buffers, by mapping or by descriptor; its pipe.

    It ends when the pipe's end is closed here.
    """
    ready, told = os.pipe()
    wait, release = os.pipe()
    if os.fork() == 0:
        try:
            hold(comm, buffers, told, wait, mapped=mapped)
        finally:
            os._exit(0)  # what it inherited is the parent's to close
    assert os.read(ready, 1)
    return release


def hold(comm, buffers, told, wait, *, mapped):
    """In a child: keep these buffers only, say so, and wait."""
    named(comm)
    views = [buffer.mmap() for buffer in buffers] if mapped else []
    kept = {told, wait} | ({b.fileno() for b in buffers} if not mapped else set())
    for fd in {int(path.name) for path in Path("/proc/self/fd").iterdir()} - kept:
        with suppress(OSError):
            os.close(fd)
    os.write(told, b"1")
    os.read(wait, 1)
    assert len(views) == len(buffers) * mapped


def fill(heap, rng):
    """Buffers of random sizes until one does not fit."""
    held = []
    while True:
        (size,) = rng.choices(SIZES, WEIGHTS)
        try:
            buffer = heap.allocate(size)
        except OSError:
            return held
        buffer.set_name(f"{KINDS[size]} {len(held)}")
        held.append(buffer)


def area_only(directory):
    """Of a moment on the way: the area and the totals."""
    tree = Tree()
    for source in (cma, cma_sysfs, meminfo):
        source.read(tree)
    tree.write(directory)


def main(directory):
    named("camera (hal)")
    rng = random.Random(SEED)  # noqa: S311, of a picture
    with hk.live() as heaps:
        area_only(directory / "1_idle")
        held = fill(heaps["reserved"], rng)
        area_only(directory / "2_full")
        kept = sorted(rng.sample(range(len(held)), len(held) // 3))
        for number, buffer in enumerate(held):
            if number not in kept:
                buffer.close()
        alive = [held[number] for number in kept]
        clients = [
            client("display", alive[:2], mapped=False),
            client("encoder", alive[2:4], mapped=True),
        ]
        look = hk.introspect()
        look.capture(directory / "3_after_frees")
        print(look)
        for client_end in clients:
            os.close(client_end)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
