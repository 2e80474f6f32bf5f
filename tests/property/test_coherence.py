# SPDX-License-Identifier: MIT
"""Findings and statuses against a naive model, on random traces."""

import random
from collections import Counter

import pytest

import heapkit as hk
from heapkit import KiB, MiB, Op
from tests.property.naive_lines import Lines

EVENTS, BUFFERS, TRACES = 1500, 4, 12
NAMES = ("isp", "gpu", "npu")
# What is tried on a buffer that is held; accesses are what is asked about.
OPS = (
    *(Op.ATTACH, Op.DETACH, Op.MAP, Op.MAP, Op.UNMAP, Op.BEGIN_CPU, Op.END_CPU),
    *(Op.CPU_READ, Op.CPU_WRITE, Op.DEVICE_READ, Op.DEVICE_WRITE) * 2,
    *(Op.MMAP, Op.MUNMAP, Op.VMAP, Op.VUNMAP, Op.SHARE, Op.FREE, Op.FREE),
)


class Script:
    """A random board, random events on it, and what the naive model says of each."""

    def __init__(self, seed):
        self.random = random.Random(seed)  # noqa: S311 (no secret)
        rules = {
            "attachments": self.random.choice(["mapped", "all"]),
            "arm64": self.random.choice(["5.19", "before"]),
        }
        line = self.random.choice([16, 64, 4096])
        self.board = hk.Board(
            name="property",
            heaps=(hk.CarveoutHeap(name="camera", size=8 * MiB),),
            devices=tuple(hk.Device(n, coherent=n == "npu") for n in NAMES),
            sync=hk.SyncRules(**rules),
        ).replace({"costs.line_bytes": line})
        self.model = Lines({"npu"}, line=line, **rules)
        self.rows, self.statuses, self.expected = [], [], []
        for event in range(EVENTS):
            self._event(event)

    def _event(self, event):
        buffer = self.random.randrange(BUFFERS)
        held = self.model.buffers.get(buffer)
        op = self.random.choice(OPS) if held else Op.ALLOC
        row = {
            "device": self.random.choice(NAMES),
            "access": self.random.randrange(1, 4),
            "size": self.random.randrange(1, 40 * KiB),
            "offset": 0,
        }
        if held:
            row |= self._part(held.size)
        if op == Op.MAP:
            row["access"] |= self.random.choice([0, 0, 4])
        status, found = self.model.event(op, buffer, **row)
        self.rows.append({"op": op, "buffer": buffer, **row})
        self.statuses.append(status)
        self.expected += [(event, *one) for one in found]

    def _part(self, size):
        if self.random.random() < 0.3:
            return {"size": 0, "offset": 0}
        most = self.random.choice([64, 300, size])
        part = {
            "size": self.random.randrange(most),
            "offset": self.random.randrange(size + 1),
        }
        if self.random.random() < 0.3:
            part = {name: value // 64 * 64 for name, value in part.items()}
        return part

    def trace(self):
        columns = {name: [row[name] for row in self.rows] for name in self.rows[0]}
        return hk.Trace.from_columns(
            heap="camera", time_ns=range(EVENTS), devices=NAMES, **columns
        )


@pytest.fixture(scope="module")
def scripts():
    return [Script(seed) for seed in range(TRACES)]


def test_findings_are_those_of_the_naive_model(scripts):
    for script in scripts:
        run = hk.replay(script.trace(), script.board)
        assert run["status"].tolist() == script.statuses
        told = [(f.event, f.kind, f.offset, f.bytes) for f in hk.coherency(run)]
        assert told == script.expected


def test_the_traces_reach_every_kind(scripts):
    kinds = Counter(kind for s in scripts for _, kind, *_ in s.expected)
    assert len(kinds) == 11
    assert min(kinds.values()) > 10


def test_every_finding_has_a_sentence_that_names_a_call(scripts):
    for script in scripts[:4]:
        for finding in hk.coherency(hk.replay(script.trace(), script.board)):
            assert finding.missing in finding.explanation
            assert any(op.name in finding.missing for op in Op)
            needs = finding.kind not in {
                *("UNMAPPED_DEVICE", "END_WITHOUT_BEGIN", "MAPPED_AT_FREE"),
            }
            assert (finding.cause is not None) == needs
