# SPDX-License-Identifier: MIT
"""The operations of a recorded CMA trace, each checked against the one before."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field

from heapkit._ffi import PAGE_SIZE
from heapkit.arguments import MAX_ADDRESS
from heapkit.importers.cma_area import CmaArea, largest_free_bits, used_bits
from heapkit.importers.json_node import Node

# A recording keeps the bitmap after every operation; more would not fit a file
# of text.
MAX_OPS = 1 << 20

# An hour for one operation: even MAX_OPS of them sum up inside an int64.
_MAX_NS = 3600 * 10**9

Runs = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation and the state of the area after it."""

    alloc: bool
    buffer: int
    size: int
    status: int
    offset_pages: int
    used: int
    maxchunk: int
    busy_retries: int
    latency_ns: int
    runs: Runs


@dataclass(slots=True)
class _Area:
    """What is held so far, to hold the next operation against."""

    runs: Runs
    held: dict[int, tuple[int, int] | None] = field(default_factory=dict)


def read_runs(node: Node, area: CmaArea) -> Runs:
    """The taken pages of a state, ascending and apart, as its numbers say."""
    runs: list[tuple[int, int]] = []
    end = -1
    for item in node["runs"]:
        pair = [number.integer(0, area.bits) for number in item]
        if len(pair) != 2 or pair[0] <= end or pair[1] < 1 or sum(pair) > area.bits:
            raise item.error("expected [first, length], ascending and in the area")
        runs.append((pair[0], pair[1]))
        end = sum(pair)
    if node["used"].integer(0, area.bits) != used_bits(runs):
        raise node["used"].error(f"the bitmap has {used_bits(runs)} pages in use")
    free = largest_free_bits(runs, area.bits)
    if node["maxchunk"].integer(0, area.bits) != free:
        raise node["maxchunk"].error(f"the bitmap has {free} free pages in a row")
    return tuple(runs)


def read_steps(log: Node, area: CmaArea, initial: Runs) -> list[Step]:
    """Every operation of ``log``, beginning with ``initial`` pages taken."""
    before = _Area(initial)
    steps: list[Step] = []
    for node in log:
        op = node["op"].text()
        if op not in ("alloc", "free"):
            raise node["op"].error("expected 'alloc' or 'free'")
        step = (_alloc if op == "alloc" else _free)(node, area, before)
        before.runs = step.runs
        steps.append(step)
        if len(steps) > MAX_OPS:
            raise node.error(f"more than {MAX_OPS} operations")
    return steps


def _alloc(node: Node, area: CmaArea, before: _Area) -> Step:
    buffer, size = _buffer(node), node["len"].integer(1, MAX_ADDRESS)
    if buffer in before.held:
        raise node["id"].error("this buffer is held already")
    status, placed = _status(node), None
    if status == 0:
        pages = -(-size // PAGE_SIZE)
        placed = (node["offset_pages"].integer(0, area.bits), pages)
    before.held[buffer] = placed
    runs = read_runs(node, area)
    _follows(node, before.runs, runs, taken=placed)
    return _step(node, runs, alloc=True, size=size, status=status, placed=placed)


def _free(node: Node, area: CmaArea, before: _Area) -> Step:
    buffer = _buffer(node)
    if buffer not in before.held:
        raise node["id"].error("this buffer is not held")
    runs = read_runs(node, area)
    _follows(node, runs, before.runs, taken=before.held.pop(buffer))
    return _step(node, runs, alloc=False, size=0, status=0, placed=None)


def _buffer(node: Node) -> int:
    return node["id"].integer(0, 2**32 - 1)


def _status(node: Node) -> int:
    """0, or the negative errno whose name the recording gives."""
    if node["errno"].value is None:
        return 0
    label = node["errno"].text()
    code = getattr(errno, label, None) if label.startswith("E") else None
    if not isinstance(code, int):
        raise node["errno"].error("expected null or the name of an errno")
    return -code


def _step(
    node: Node,
    runs: Runs,
    *,
    alloc: bool,
    size: int,
    status: int,
    placed: tuple[int, int] | None,
) -> Step:
    return Step(
        alloc=alloc,
        buffer=_buffer(node),
        size=size,
        status=status,
        offset_pages=-1 if placed is None else placed[0],
        used=used_bits(runs),
        maxchunk=node["maxchunk"].integer(0, 1 << 40),
        busy_retries=node["busy_retries"].integer(0, 1 << 31),
        latency_ns=node["ns"].integer(0, _MAX_NS),
        runs=runs,
    )


def _follows(
    node: Node, less: Runs, more: Runs, *, taken: tuple[int, int] | None
) -> None:
    """``more`` must be ``less`` and the pages ``taken``, and nothing else."""
    expected = less if taken is None else _merged(less, taken)
    if expected != more:
        raise node["runs"].error("does not follow from the operation before")


def _merged(runs: Runs, taken: tuple[int, int]) -> Runs | None:
    """``runs`` with ``taken`` added, touching ones joined; None if not free."""
    merged: list[tuple[int, int]] = []
    for first, length in sorted((*runs, taken)):
        end = sum(merged[-1]) if merged else -1
        if first < end:
            return None
        if first == end:
            merged[-1] = (merged[-1][0], merged[-1][1] + length)
        else:
            merged.append((first, length))
    return tuple(merged)
