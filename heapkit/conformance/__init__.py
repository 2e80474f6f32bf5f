# SPDX-License-Identifier: MIT
"""Does a heap answer as Linux does? One table of questions, for either backend.

:func:`run` asks simulated or real heaps what the kernel's own selftest asks, and each
row of the errno table that was recorded on Linux 6.12 and 7.3; :func:`compare` puts two
reports side by side. What differs among kinds of heaps and kernels is data:
``data/conformance/known_differences.toml``.
"""

from heapkit.conformance.catalogue import CHECKS
from heapkit.conformance.check import Check
from heapkit.conformance.comparison import Comparison, Pair, compare
from heapkit.conformance.kernels import kernels
from heapkit.conformance.known import Difference, known_differences, read_differences
from heapkit.conformance.platform import Platform
from heapkit.conformance.report import Report, Row
from heapkit.conformance.runner import run

__all__ = [
    "CHECKS",
    "Check",
    "Comparison",
    "Difference",
    "Pair",
    "Platform",
    "Report",
    "Row",
    "compare",
    "kernels",
    "known_differences",
    "read_differences",
    "run",
]
