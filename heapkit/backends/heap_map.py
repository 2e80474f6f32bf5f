# SPDX-License-Identifier: MIT
"""What both backends' mappings of names to heaps have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Self, TypeVar

from heapkit.arguments import wrong
from heapkit.errors import UnknownName

H = TypeVar("H")


class HeapMap(Mapping[str, H]):
    """Heaps by name. A context manager: leaving it closes every heap and buffer."""

    def __init__(self, heaps: Mapping[str, H]) -> None:
        self._heaps = dict(heaps)

    def __getitem__(self, name: str) -> H:
        try:
            return self._heaps[name]
        except (KeyError, TypeError):
            there = ", ".join(self._heaps)
            raise UnknownName(f"no heap {name!r}; there is: {there}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._heaps)

    def __len__(self) -> int:
        return len(self._heaps)

    def in_chain(self, chain: Sequence[str]) -> list[H]:
        """The heaps that ``chain`` names, in its order; ``ValueError`` if none."""
        if isinstance(chain, str) or not isinstance(chain, Sequence) or not chain:
            raise wrong(
                "allocate", "chain", chain, "a sequence of heap names, at least one"
            )
        return [self[name] for name in chain]

    @abstractmethod
    def close(self) -> None:
        """Close every buffer and heap; a second time does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
