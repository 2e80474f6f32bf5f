# SPDX-License-Identifier: MIT
"""The model held against published measurements, residuals in plain view.

:func:`validate` makes each measurement again on a small board, with constants
that were fitted on other figures wherever there are others, and returns the
table. A figure that a fit used is called a fit, never a prediction.
"""

from __future__ import annotations

from functools import cache

from heapkit.validation import (
    barriers,
    decoder,
    deferred,
    gcma_rows,
    migration,
    tail,
)
from heapkit.validation.fit import Fit
from heapkit.validation.page import markdown_page
from heapkit.validation.result import Row, Validation

__all__ = ["Fit", "Row", "Validation", "markdown_page", "validate"]

TARGETS = (gcma_rows, tail, migration, barriers, decoder, deferred)


@cache
def validate() -> Validation:
    """Every target: some seconds the first time, then remembered.

    The same figures and the same core give the same numbers: what is random is
    drawn from a seed.
    """
    return Validation(tuple(row for part in TARGETS for row in part.rows()))
