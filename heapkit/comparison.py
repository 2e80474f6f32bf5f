# SPDX-License-Identifier: MIT
"""Policies side by side: what each costs, of which parts, and what it gets wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from heapkit._ffi import PRICE_NAMES
from heapkit.cost_groups import GROUPS, by_group

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, float | int]
FOUND = ("passes", "lines", "wrong", "warnings")


class Comparison:
    """A row per policy, as :func:`heapkit.sharing.compare` returns it; immutable.

    :meth:`to_frame` has ``total_ns``, the latency of all events; the parts that it is
    the sum of (:data:`heapkit.cost_groups.GROUPS`, in ns); ``passes`` over a buffer or
    a part of it, ``lines`` that these cleaned or invalidated; and the findings,
    ``wrong`` and ``warnings``, as :func:`heapkit.coherency` has them. ``hk.show``
    draws it.
    """

    __slots__ = ("_rows",)
    _rows: dict[str, Row]

    def __init__(self, rows: Mapping[str, Row]) -> None:
        object.__setattr__(self, "_rows", dict(rows))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Comparison is immutable: {name}")

    def __reduce__(self) -> tuple[type[Comparison], tuple[dict[str, Row]]]:
        return Comparison, (self._rows,)

    @property
    def policies(self) -> tuple[str, ...]:
        """In the order in which they were asked for."""
        return tuple(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, policy: str) -> dict[str, float | int]:
        """One row: its total, passes and findings, and each constant in ns."""
        if policy not in self._rows:
            allowed = ", ".join(self._rows)
            raise KeyError(f"policy {policy!r}; allowed: {allowed}")
        return dict(self._rows[policy])

    def parts(self) -> dict[str, NDArray[np.float64]]:
        """Nanoseconds of each part that any policy pays, a number per policy."""
        rows = [
            by_group({n: float(row[f"{n}_ns"]) for n in PRICE_NAMES})
            for row in self._rows.values()
        ]
        table = {part: np.array([row[part] for row in rows]) for part in GROUPS}
        return {part: values for part, values in table.items() if values.any()}

    def column(self, name: str) -> NDArray[np.int64]:
        """``total_ns``, ``passes``, ``lines``, ``wrong`` or ``warnings`` of each."""
        return np.array([row[name] for row in self._rows.values()], np.int64)

    def to_frame(self) -> pd.DataFrame:
        """The table, a row per policy."""
        import pandas as pd

        data = {"total_ns": self.column("total_ns"), **self.parts()}
        data |= {name: self.column(name) for name in FOUND}
        return pd.DataFrame(data, index=pd.Index(self.policies, name="policy"))

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.policies) or 'nothing'}>"

    def _repr_html_(self) -> str:
        text: str = self.to_frame().style.format("{:,.0f}").to_html()
        return text
