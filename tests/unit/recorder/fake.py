# SPDX-License-Identifier: MIT
"""A made-up machine: a tree with tracefs, CMA areas and a list of buffers."""

from heapkit.recorder import tracefs

TRACING = "sys/kernel/tracing"
BUFINFO = "sys/kernel/debug/dma_buf/bufinfo"
AREA = "sys/kernel/debug/cma/reserved"
EVENTS = ("cma/cma_alloc_finish", "cma/cma_release")
STATS = "entries: 0\noverrun: {overrun}\ncommit overrun: 0\ndropped events: 0\n"


class Machine:
    """``buffers`` is inode -> (size, exp_name); :meth:`trace` prints lines."""

    def __init__(self, root, monkeypatch, *, events=EVENTS):
        self.root, self.events = root, events
        self.instance, self.removed = None, 0
        (root / TRACING / "instances").mkdir(parents=True)
        (root / "proc").mkdir()
        self.list({})
        monkeypatch.setattr(tracefs, "make", self._make)
        monkeypatch.setattr(tracefs, "remove", self._remove)

    def list(self, buffers):
        """What bufinfo says from now on."""
        rows = "".join(
            f"{size:08}\t00000002\t00080007\t00000001\t{exporter}\t{inode:08}\t<none>\n"
            "\tAttached Devices:\nTotal 0 devices attached\n\n"
            for inode, (size, exporter) in buffers.items()
        )
        total = sum(size for size, _ in buffers.values())
        head = "\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\tino\tname\n"
        tail = f"\nTotal {len(buffers)} objects, {total} bytes\n"
        self.write(BUFINFO, head + rows + tail)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.new")
        partial.write_text(text)
        partial.replace(path)

    def area(self, *, count, used):
        for name, number in (("count", count), ("used", used)):
            self.write(f"{AREA}/{name}", f"{number}\n")

    def trace(self, *lines):
        with (self.instance / "trace_pipe").open("a") as pipe:
            pipe.write("".join(f"{line}\n" for line in lines))

    def overrun(self, number):
        (self.instance / "per_cpu/cpu0/stats").write_text(STATS.format(overrun=number))

    def _make(self, instances):
        self.instance = instances / "heapkit-1"
        for event in self.events:
            (self.instance / "events" / event).mkdir(parents=True)
            for name in ("enable", "filter"):
                (self.instance / "events" / event / name).touch()
        (self.instance / "per_cpu/cpu0").mkdir(parents=True)
        for name in ("trace_clock", "tracing_on", "trace_pipe"):
            (self.instance / name).touch()
        self.overrun(0)
        return self.instance

    def _remove(self, directory):
        self.removed += 1
        directory.rename(directory.parent.parent / f"removed-{self.removed}")


def line(seconds, event, fields, *, task="cat", pid=123):
    """As ftrace prints it."""
    return f"{task:>16}-{pid:<7} [000] ..... {seconds:12.6f}: {event}: {fields}"


def cma(seconds, pfn, pages, *, errno=0, **who):
    fields = f"name=reserved pfn={pfn:#x} page=00000000ab count={pages} align=2"
    return line(seconds, "cma_alloc_finish", f"{fields} errorno={errno}", **who)


def release(seconds, pfn, pages, **who):
    fields = f"name=reserved pfn={pfn:#x} page=00000000ab count={pages}"
    return line(seconds, "cma_release", fields, **who)


def heap_stat(seconds, inode, size, **who):
    fields = f"inode={inode} len={size}B total_allocated=0B"
    return line(seconds, "dma_heap_stat", fields, **who)
