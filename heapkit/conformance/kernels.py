# SPDX-License-Identifier: MIT
"""The kernels that a simulation can stand for: ``data/conformance/kernels.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any

from heapkit.arguments import wrong
from heapkit.backends.sim import SimHeaps, simulate
from heapkit.board import Board
from heapkit.samples import sample

_DEFAULT = "6.12"


@cache
def kernels() -> Mapping[str, Mapping[str, Any]]:
    """By name: the ``release``, the ``options`` of simulate(), and ``about`` them."""
    text = sample("conformance/kernels.toml").read_text(encoding="utf-8")
    table: Mapping[str, Mapping[str, Any]] = tomllib.loads(text)
    return table


def release_of(kernel: str) -> str:
    """The release of the kernel of that name; what is no such name is a release."""
    return str(kernels()[kernel]["release"]) if kernel in kernels() else kernel


def simulated(board: Board, kernel: str | None) -> SimHeaps:
    """The heaps of ``board`` on the kernel of that name, by default 6.12."""
    name = _DEFAULT if kernel is None else kernel
    if name not in kernels():
        raise wrong("conformance", "kernel", name, ", ".join(map(repr, kernels())))
    return simulate(board, **kernels()[name]["options"])
