# SPDX-License-Identifier: MIT
"""Published measurements, read once from ``data/published``.

A *figure* is one number with its unit, its conditions and its source; the tables
are those of their authors.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from heapkit.errors import UnknownName
from heapkit.samples import sample

KIB_LINE = re.compile(r"\((\d+) kB\),\s+latency (\d+) us")


@dataclass(frozen=True, slots=True)
class Figure:
    """One published number. Times are nanoseconds, sizes bytes."""

    name: str
    value: float
    unit: str
    conditions: str
    source: str


@dataclass(frozen=True, slots=True)
class GcmaRow:
    """One size of the GCMA table: 32 allocations of ``pages`` in one series.

    Each mapping has the keys "min", "max" and "avg", in nanoseconds.
    """

    series: str
    pages: int
    cma: Mapping[str, float]
    gcma: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class DecoderSize:
    """What AMD says that one decoded stream needs, in MB of 10^6 bytes."""

    width: int
    height: int
    chroma: str  # "420" or "422"
    depth: int  # bits
    codec: str  # "avc" or "hevc"
    megabytes: float


@dataclass(frozen=True, slots=True)
class DecoderBuffer:
    """A class of a decoder's buffers at 4:2:2 10-bit AVC: count and MB by height."""

    name: str
    count: Mapping[int, int]
    megabytes: Mapping[int, float]


def figure(name: str) -> Figure:
    """The figure of that name; ``UnknownName`` lists them."""
    known = figures()
    if name not in known:
        raise UnknownName(f"figure: {name!r}; allowed: {', '.join(known)}")
    return known[name]


@cache
def figures() -> Mapping[str, Figure]:
    """Every single figure by name: ``figures()["face_unlock.time"]``."""
    with sample("published/figures.toml").open("rb") as file:
        groups = tomllib.load(file)
    found = {}
    for group, entries in groups.items():
        for name, fields in entries.items():
            whole = f"{group}.{name}"
            found[whole] = Figure(whole, **{**fields, "value": float(fields["value"])})
    return MappingProxyType(found)


@cache
def gcma_rows() -> tuple[GcmaRow, ...]:
    """S. Park's two tables, RFC v1 of 2014 and RFC v2 of 2015."""
    return tuple(
        GcmaRow(
            series=row["series"].split("_")[1],
            pages=int(row["nr_pages"]),
            cma=_statistics(row, "cma"),
            gcma=_statistics(row, "gcma"),
        )
        for row in _table("gcma_rfc_latency_tables.csv")
    )


def _statistics(row: Mapping[str, str], kind: str) -> Mapping[str, float]:
    names = ("min", "max", "avg")
    return {name: float(row[f"{kind}_{name}_us"]) * 1e3 for name in names}


@cache
def idle_cma_reports() -> tuple[tuple[int, float], ...]:
    """P. Suryawanshi's allocations: pages and nanoseconds of each."""
    text = sample("published/cma_latency_reports.txt").read_text()
    return tuple((int(k) // 4, float(us) * 1e3) for k, us in KIB_LINE.findall(text))


@cache
def decoder_sizes() -> tuple[DecoderSize, ...]:
    """AMD's table of decoders: three resolutions in eight formats."""
    found = []
    for row in _table("amd_pg252_vcu_decoder_cma_mb.csv"):
        width, height = map(int, row.pop("resolution").split("x"))
        for column, megabytes in row.items():
            chroma, depth, codec = column.split("_")
            bits = int(depth.removesuffix("b"))
            size = (width, height, chroma, bits, codec, float(megabytes))
            found.append(DecoderSize(*size))
    return tuple(found)


@cache
def decoder_buffers() -> tuple[DecoderBuffer, ...]:
    """AMD's example: how many buffers of each class a decoder holds at most."""
    heights = (720, 1080, 2160)
    return tuple(
        DecoderBuffer(
            name=row["buffer"],
            count={h: int(row[f"count_{h}p"]) for h in heights},
            megabytes={h: float(row[f"mb_{h}p"]) for h in heights},
        )
        for row in _table("amd_pg252_decoder_buffers.csv")
    )


def _table(name: str) -> list[dict[str, str]]:
    with sample(f"published/{name}").open(newline="") as file:
        return list(csv.DictReader(file))
