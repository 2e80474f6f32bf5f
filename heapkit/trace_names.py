# SPDX-License-Identifier: MIT
"""The names that the codes in a trace's columns stand for, as they grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from heapkit import trace_columns as columns


class TraceNames:
    """Tables of the columns "heap", "device" and "process": code -> name.

    ``ValueError`` for a heap that is no chain, a name given twice, and more names
    than there are codes.
    """

    def __init__(
        self,
        *,
        heaps: Sequence[str] = (),
        devices: Sequence[str] = (),
        processes: Sequence[str] = (),
    ) -> None:
        self._tables: dict[str, tuple[str, ...]] = {}
        self._codes: dict[str, dict[str, int]] = {}
        given = {"heap": heaps, "device": devices, "process": processes}
        for column, names in given.items():
            self._set(column, columns.table_of(column, names))

    def __getitem__(self, column: str) -> tuple[str, ...]:
        return self._tables[column]

    @property
    def tables(self) -> Mapping[str, tuple[str, ...]]:
        """Column -> names."""
        return self._tables

    def add(self, column: str, name: str) -> int:
        """The code of ``name``, which is added if it is not there."""
        known = self._codes[column].get(name)
        if known is not None:
            return known
        self._set(column, columns.table_of(column, (*self._tables[column], name)))
        return self._codes[column][name]

    def _set(self, column: str, names: tuple[str, ...]) -> None:
        if column == "heap":
            columns.chains(names)
        self._tables[column] = names
        self._codes[column] = {name: code for code, name in enumerate(names)}
