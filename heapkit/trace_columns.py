# SPDX-License-Identifier: MIT
"""What a caller gives as a column, made the integer column the core reads.

Every :class:`ValueError` names column, index and offending value. Nothing is
copied whose type already fits, and the given array is never written to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from heapkit.arguments import wrong

MAX_CODES = 1 << 16  # hk_trace numbers chains and devices with 16 bits
# Where the names of a column of codes are.
TABLE_OF = {"heap": "heaps", "device": "devices", "process": "processes"}
_INT64 = np.iinfo(np.int64)
_UINT64 = np.iinfo(np.uint64)


def fault(column: str, index: int, value: object, allowed: str) -> ValueError:
    """The error for one element."""
    shown = value.item() if isinstance(value, np.generic) else value
    return ValueError(f"{column}[{index}]={shown!r}; allowed: {allowed}")


def _first(mask: NDArray[np.bool_]) -> int:
    return int(np.argmax(mask))


def integers(column: str, values: ArrayLike) -> NDArray[Any]:
    """One-dimensional, of some integer type, otherwise as given."""
    try:
        array = _as_array(values)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{column}: no column of integers: {error}") from None
    _refuse_masked(column, values)
    if array.ndim != 1:
        raise wrong("Trace", f"{column}.ndim", array.ndim, "one dimension")
    if array.size == 0:
        return np.zeros(0, np.int64)
    if array.dtype.kind == "O":
        return _from_objects(column, array)
    if array.dtype.kind not in "iu":
        index = _first(_odd(array))
        allowed = f"integers, not {array.dtype}"
        raise fault(column, index, array[index], allowed)
    return array


def _as_array(values: ArrayLike) -> NDArray[Any]:
    array = np.asarray(values)
    listed = isinstance(values, (list, tuple)) and array.dtype.kind == "f"
    if listed and array.size and array.max() >= 2.0**63:
        # numpy makes floats of a list of small integers and some beyond int64.
        return np.array(values, dtype=object)
    return array


def _refuse_masked(column: str, values: Any) -> None:
    if np.ma.is_masked(values):
        index = _first(np.ma.getmaskarray(values))
        raise ValueError(f"{column}[{index}] is masked; allowed: no masked values")


def _odd(array: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a float column is least like integers: at NaN, else at a fraction."""
    if array.dtype.kind != "f":
        return np.ones(1, bool)
    nan: NDArray[np.bool_] = np.isnan(array)
    fraction: NDArray[np.bool_] = array != np.trunc(array)
    return nan if nan.any() else fraction


def _from_objects(column: str, array: NDArray[Any]) -> NDArray[Any]:
    for index, value in enumerate(array):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
            raise fault(column, index, value, "integers")
        if not _INT64.min <= value <= _UINT64.max:
            raise fault(column, index, value, f"integers up to {_UINT64.max}")
    if array.max() <= _INT64.max:
        return array.astype(np.int64)
    _at_least_zero(column, array)
    return array.astype(np.uint64)


def unsigned(column: str, values: ArrayLike) -> NDArray[np.uint64]:
    """0 or more, as uint64: int64 is looked at as such without a copy."""
    array = integers(column, values)
    _at_least_zero(column, array)
    if array.dtype == np.int64:
        return _contiguous(array).view(np.uint64)
    return _contiguous(array.astype(np.uint64, copy=False))


def identities(column: str, values: ArrayLike) -> NDArray[Any]:
    """Buffer ids: uint32 as given, everything else as uint64."""
    array = integers(column, values)
    if array.dtype == np.uint32:
        return _contiguous(array)
    return unsigned(column, array)


def times(column: str, values: ArrayLike) -> NDArray[np.int64]:
    """Nanoseconds, 0 or more."""
    array = integers(column, values)
    _at_least_zero(column, array)
    if array.dtype.kind == "u" and (late := array > _INT64.max).any():
        index = _first(late)
        raise fault(column, index, array[index], f"at most {_INT64.max}")
    return _contiguous(array.astype(np.int64, copy=False))


def small(
    column: str,
    values: ArrayLike,
    high: NDArray[np.integer[Any]],
    matters: NDArray[np.bool_],
) -> NDArray[np.uint8]:
    """0 to ``high`` of each row that matters; other rows' misfits become 0."""
    array = integers(column, values)
    if len(array) != len(matters):
        raise lengths(column, len(array), len(matters))
    misfit = (array < 0) | (array > high)
    if (bad := misfit & matters).any():
        index = _first(bad)
        raise fault(column, index, array[index], f"0 to {high[index]}")
    if misfit.any():
        array = np.where(misfit, 0, array)
    return _contiguous(array.astype(np.uint8, copy=False))


def numbers(
    rows: int,
    buffer: ArrayLike,
    size: ArrayLike,
    time_ns: ArrayLike,
    offset: ArrayLike | None,
) -> dict[str, Any]:
    """The columns that hold numbers, each of ``rows`` rows; no offset if not given."""
    given: dict[str, Any] = {
        "buffer": identities("buffer", buffer),
        "size": unsigned("size", size),
        "time_ns": times("time_ns", time_ns),
    }
    if offset is not None:
        given["offset"] = unsigned("offset", offset)
    for name, column in given.items():
        if len(column) != rows:
            raise lengths(name, len(column), rows)
    return given


def _at_least_zero(column: str, array: NDArray[Any]) -> None:
    if array.dtype.kind in "iO" and (negative := array < 0).any():
        index = _first(negative)
        raise fault(column, index, array[index], "0 or more")


def _contiguous(array: NDArray[Any]) -> NDArray[Any]:
    native = array.astype(array.dtype.newbyteorder("="), copy=False)
    return np.ascontiguousarray(native)


def lengths(column: str, length: int, expected: int) -> ValueError:
    """The error for a column that is not as long as ``op``."""
    return ValueError(f"{column} has {length} rows; allowed: {expected}, as op has")


def coded(
    column: str,
    values: object,
    table: Sequence[str] | None,
    matters: NDArray[np.bool_],
) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    """Codes and their table, from names or from codes into ``table``.

    Rows that do not matter may hold anything; what is no code there becomes 0.
    A single name stands for every row.
    """
    names = None if table is None else table_of(column, table)
    if isinstance(values, str):
        values = [values] * len(matters)
    _refuse_masked(column, values)
    items: Any = values
    if not isinstance(values, (list, tuple)):
        items = np.asarray(values)
        if items.ndim != 1:
            raise wrong("Trace", f"{column}.ndim", items.ndim, "one dimension")
    if len(items) != len(matters):
        raise lengths(column, len(items), len(matters))
    if _are_codes(items):
        return _codes(column, np.asarray(items), names, matters)
    return _names(column, list(items), names, matters)


def table_of(column: str, table: Sequence[str]) -> tuple[str, ...]:
    """The names that the codes of ``column`` stand for, each once."""
    names = tuple(table) if not isinstance(table, str) else (table,)
    if len(names) >= MAX_CODES or len(set(names)) != len(names):
        allowed = f"fewer than {MAX_CODES} names, each once"
        raise wrong("Trace", TABLE_OF[column], names[:8], allowed)
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise fault(TABLE_OF[column], index, name, "strings")
    return names


def _are_codes(items: Any) -> bool:
    if isinstance(items, np.ndarray) and items.dtype.kind != "O":
        return items.dtype.kind in "iu"
    return len(items) > 0 and all(
        isinstance(item, (int, np.integer)) and not isinstance(item, bool)
        for item in items
    )


def _codes(
    column: str,
    codes: NDArray[Any],
    names: tuple[str, ...] | None,
    matters: NDArray[np.bool_],
) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    if names is None:
        allowed = f"the names of the codes in {column}"
        raise wrong("Trace", TABLE_OF[column], None, allowed)
    misfit = (codes < 0) | (codes >= len(names))
    if (bad := misfit & matters).any():
        index = _first(bad)
        raise fault(column, index, codes[index], f"0 to {len(names) - 1}")
    if misfit.any():
        codes = np.where(misfit, 0, codes)
    return _contiguous(codes.astype(np.uint16, copy=False)), names


def _names(
    column: str,
    items: list[Any],
    names: tuple[str, ...] | None,
    matters: NDArray[np.bool_],
) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    code_of = {name: code for code, name in enumerate(names or ())}
    rows = np.flatnonzero(matters)
    for index in rows.tolist():
        name = items[index]
        if not isinstance(name, str):
            raise fault(column, index, name, "a name")
        if name not in code_of:
            if names is not None:
                raise fault(column, index, name, f"one of {names}")
            code_of[str(name)] = len(code_of)
    codes = np.zeros(len(items), np.uint16)
    codes[rows] = [code_of[items[index]] for index in rows.tolist()]
    return codes, table_of(column, tuple(code_of))


def chains(names: Sequence[str]) -> None:
    """Check the names of fallback chains: heap names joined by "|"."""
    for index, chain in enumerate(names):
        if not chain or not all(chain.split("|")) or "/" in chain:
            allowed = 'a heap, or a chain such as "camera|system"'
            raise fault("heaps", index, chain, allowed)


def dense(buffer: NDArray[Any]) -> tuple[NDArray[np.uint32], int]:
    """Ids below a bound that is not far above the number of rows, and that bound."""
    if buffer.size == 0:
        return np.zeros(0, np.uint32), 0
    highest = int(buffer.max())
    if highest < max(1024, 4 * buffer.size):
        return buffer.astype(np.uint32, copy=False), highest + 1
    ids, codes = np.unique(buffer, return_inverse=True)
    return codes.astype(np.uint32), len(ids)
