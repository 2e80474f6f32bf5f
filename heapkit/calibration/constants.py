# SPDX-License-Identifier: MIT
"""What each of the constants is measured by, and why the others are not.

A rule takes a term of a fit for a constant. What cannot be told from it in user space
is taken off at the base's price, so that the sum is what was measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from heapkit.calibration.regression import Term
from heapkit.costs import NAMES, Costs

_KERNEL = "only the kernel and its drivers do it"
_DEVICE = "no program can attach a device: a driver does"
_MOVABLE = "it takes other programs' pages in the area, which this does not cause"
# Every constant that no rule has.
NOT_MEASURED: dict[str, str] = {
    "buddy_split": "within buddy_block: how often a block was halved is not seen",
    "buddy_page": "within zero_page: both are paid for every page",
    "pool_block": "mainline's system heap has no pool",
    "reclaim_page": "it takes a machine that runs out of memory",
    "gen_pool_call": "mainline has no carveout heap",
    "cma_retry": _MOVABLE,
    "migrate_page": _MOVABLE,
    "unmap_mapping": _MOVABLE,
    "discard_page": _MOVABLE,
    "protect_page": "it takes a heap of a protected world",
    **dict.fromkeys(
        (
            *("attach_call", "attach_entry", "map_entry", "unmap_entry"),
            *("iommu_map_entry", "iommu_unmap_entry"),
        ),
        _DEVICE,
    ),
    "sync_entry": f"nothing is attached, so nothing is maintained; {_DEVICE}",
    "vmap_call": _KERNEL,
    "vmap_page": _KERNEL,
    "uncached_read_line": "mainline's heaps give programs cached memory",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """``constant`` is the ``term`` of an ``operation`` in a place of one of ``kinds``.

    ``less`` names constants that are in the term too; ``less_operation`` another
    operation whose same term is.
    """

    constant: str
    kinds: tuple[str, ...]
    operation: str
    term: str
    less: tuple[str, ...] = ()
    less_operation: str = ""


_HEAPS = ("system", "cma", "heap")
_AREA = ("area",)
# The first that may be claimed is taken: the kernel's own work before a program's
# imitation of it. A rule that takes a constant off comes after that one's.
RULES = (
    Rule("allocate_call", ("system",), "allocate", "call"),
    Rule("free_call", _HEAPS, "free", "call"),
    Rule("buddy_block", ("system",), "allocate", "entry"),
    Rule("zero_page", ("system",), "allocate", "page", ("buddy_page",)),
    Rule("zero_page", _AREA, "zero by 4 KiB", "page"),
    Rule("zero_page_64k", ("system",), "allocate", "page", ("buddy_page",)),
    Rule("zero_page_64k", _AREA, "zero by 64 KiB", "page"),
    Rule("zero_page_1m", ("system",), "allocate", "page", ("buddy_page",)),
    Rule("zero_page_1m", _AREA, "zero by 1 MiB", "page"),
    Rule("cma_call", ("cma",), "allocate", "call", ("allocate_call",)),
    Rule("cma_page", ("cma",), "allocate", "page", ("zero_page_1m",)),
    Rule("memfd_page", ("udmabuf",), "allocate", "page"),
    Rule("sync_call", (*_HEAPS, "udmabuf"), "sync", "call"),
    Rule("mmap_call", ("system", "cma", "heap", "memfd"), "mmap", "call"),
    Rule("mmap_page", ("system",), "mmap", "page"),
    Rule("mmap_page", ("cma",), "first touch", "page"),
    Rule("mmap_entry", ("system",), "mmap", "entry"),
    Rule("clean_line", _AREA, "write back clean lines", "line"),
    Rule("invalidate_line", _AREA, "flush clean lines", "line"),
    Rule(
        *("dirty_line", _AREA, "write back dirty lines", "line"),
        less_operation="write back clean lines",
    ),
    Rule(
        *("dirty_line", _AREA, "flush dirty lines", "line"),
        less_operation="flush clean lines",
    ),
    Rule("cpu_read_line", _AREA, "read", "line"),
    Rule("cpu_write_line", _AREA, "write", "line"),
)
# What the machine says of itself.
TOLD = ("line_bytes", "cache_bytes")
MEASURABLE = tuple(dict.fromkeys((*(rule.constant for rule in RULES), *TOLD)))

_KIND_WORDS = {
    "system": "a system heap",
    "cma": "a CMA heap",
    "heap": "another heap",
    "udmabuf": "udmabuf",
    "memfd": "a memfd",
    "area": "memory of this process",
}


def why_not_tried(constant: str) -> str:
    """Why no rule made anything of a constant: what it would take, in words."""
    if constant in NOT_MEASURED:
        return NOT_MEASURED[constant]
    kinds = dict.fromkeys(k for r in RULES if r.constant == constant for k in r.kinds)
    if not kinds:
        return "the machine does not say"
    return f"not measured: it takes {' or '.join(_KIND_WORDS[k] for k in kinds)}"


# Terms of an operation in the places of a kind: (the place in words, its term).
Find = Callable[[str, str, str], list[tuple[str, Term]]]


@dataclass(frozen=True, slots=True)
class Claim:
    """A constant's value with its 95 % interval and where it comes from.

    ``why_not`` is why it is no claim; the value is then only to be looked at, or NaN.
    """

    constant: str
    value: float
    low: float
    high: float
    how: str
    why_not: str = ""


def claims(find: Find, base: Costs) -> dict[str, list[Claim]]:
    """What every rule makes of the fits, by constant, those claimed first."""
    made: dict[str, list[Claim]] = {name: [] for name in NAMES}
    best: dict[str, Claim] = {}
    for rule in RULES:
        for claim in _of_rule(rule, find, base, best):
            made[rule.constant].append(claim)
            if not claim.why_not:
                best.setdefault(rule.constant, claim)
    for list_ in made.values():
        list_.sort(key=lambda claim: bool(claim.why_not))
    return made


def _of_rule(
    rule: Rule, find: Find, base: Costs, best: Mapping[str, Claim]
) -> Iterator[Claim]:
    for kind in rule.kinds:
        for place, term in find(kind, rule.operation, rule.term):
            how = f"{place}, {rule.operation} per {rule.term}"
            claim = _claim(rule.constant, term, how)
            for name in rule.less:
                taken = best.get(name)
                told = name if taken else f"{name} ({base[name].status})"
                claim = _without(claim, taken or _unmeasured(base, name), told)
            if rule.less_operation:
                same = dict(find(kind, rule.less_operation, rule.term))
                if place not in same:
                    continue
                taken = _claim(rule.constant, same[place], how)
                claim = _without(claim, taken, rule.less_operation)
            yield claim


def _claim(constant: str, term: Term, how: str) -> Claim:
    return Claim(constant, term.value, term.low, term.high, how, term.why_not)


def _without(claim: Claim, taken: Claim, name: str) -> Claim:
    """The difference; its interval holds whatever the two hold."""
    low, high = claim.low - taken.high, claim.high - taken.low
    why = claim.why_not or taken.why_not
    if not why and low <= 0:
        why = "its interval includes 0" if high > 0 else "it comes out below 0"
    how = f"{claim.how}, less {name}"
    return Claim(claim.constant, claim.value - taken.value, low, high, how, why)


def _unmeasured(base: Costs, name: str) -> Claim:
    value = base[name].value
    return Claim(name, value, value, value, base[name].source)
