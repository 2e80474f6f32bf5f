# SPDX-License-Identifier: MIT
"""Known differences: what other kinds of heaps and other kernels answer, as data.

``data/conformance/known_differences.toml`` says of each which checks it concerns, under
which conditions it holds, what the answer is then, and how that is known.
"""

from __future__ import annotations

import operator
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, Final

from heapkit.conformance.check import Check
from heapkit.conformance.platform import Platform, version_of
from heapkit.errors import FormatError
from heapkit.samples import sample

_NAME: Final = "conformance/known_differences.toml"
_COMPARE: Final = {
    ">=": operator.ge,
    "<=": operator.le,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
_CONDITION: Final = re.compile(r"(>=|<=|==|<|>)\s*(\d+\.\d+(?:\.\d+)?)")
_TEXTS: Final = ("kernel", "why", "source")
_LISTS: Final = ("checks", "answers", "kinds", "backends")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Under these conditions these checks are answered so; see the file's head.

    ``checks`` may have "*"; ``kernel`` is a list of comparisons such as ">=6.13, <7.3";
    what is empty is no condition.
    """

    checks: tuple[str, ...]
    answers: tuple[str, ...]
    why: str
    source: str
    kinds: tuple[str, ...] = ()
    backends: tuple[str, ...] = ()
    kernel: str = ""
    features: Mapping[str, bool] = field(default_factory=dict)

    def concerns(self, check: str) -> bool:
        """Whether the check is one of these."""
        return any(fnmatchcase(check, pattern) for pattern in self.checks)

    def holds(self, kind: str, platform: Platform) -> bool:
        """Whether a heap of that kind on that platform is under these conditions."""
        if self.kinds and kind not in self.kinds:
            return False
        if self.backends and platform.backend not in self.backends:
            return False
        if any(platform.features.get(k) != on for k, on in self.features.items()):
            return False
        return all(
            _compared(platform.version, how, version_of(release))
            for how, release in _CONDITION.findall(self.kernel)
        )


def _compared(ours: tuple[int, ...], how: str, limit: tuple[int, ...]) -> bool:
    """By as many numbers as the limit has: 6.12.117 is not later than 6.12."""
    return bool(_COMPARE[how](ours[: len(limit)], limit))


def expected(
    check: Check, kind: str, platform: Platform, differences: Sequence[Difference]
) -> tuple[tuple[str, ...], Difference | None]:
    """The right answers, and the difference that says so: the first that holds."""
    for one in differences:
        if one.concerns(check.id) and one.holds(kind, platform):
            return one.answers, one
    return (check.expected,), None


@cache
def known_differences() -> tuple[Difference, ...]:
    """Those that come with heapkit."""
    return read_differences(sample(_NAME))


def read_differences(path: str | os.PathLike[str]) -> tuple[Difference, ...]:
    """Of a file of that form; :class:`heapkit.FormatError` names what is wrong."""
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"is no TOML: {error}", path=path) from None
    rows = table.get("difference", [])
    if not isinstance(rows, list) or set(table) - {"difference"}:
        raise FormatError("holds [[difference]] tables only", path=path)
    return tuple(_difference(row, path) for row in rows)


def _difference(row: Any, path: object) -> Difference:
    def must(condition: object, message: str) -> None:
        if not condition:
            raise FormatError(message, path=path, text=str(row))

    must(isinstance(row, dict), "a difference is a table")
    known = {*_TEXTS, *_LISTS, "features"}
    must(not set(row) - known, f"a difference has {', '.join(sorted(known))}")
    for key in ("checks", "answers", "why", "source"):
        must(row.get(key), f"a difference has {key}")
    for key in _TEXTS:
        must(isinstance(row.get(key, ""), str), f"{key} is a text")
    for key in _LISTS:
        texts = row.get(key, [])
        must(isinstance(texts, list), f"{key} is a list")
        must(all(isinstance(text, str) for text in texts), f"{key} is a list of texts")
    features = row.get("features", {})
    must(isinstance(features, dict), "features is a table")
    must(all(isinstance(on, bool) for on in features.values()), "a feature is a truth")
    rest = _CONDITION.sub("", row.get("kernel", ""))
    must(not rest.strip(" ,"), 'kernel is comparisons such as ">=6.13, <7.3"')
    fields: dict[str, Any] = {key: tuple(row.get(key, ())) for key in _LISTS}
    fields |= {key: row.get(key, "") for key in _TEXTS}
    return Difference(**fields, features=dict(features))
