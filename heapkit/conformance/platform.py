# SPDX-License-Identifier: MIT
"""What stands behind the heaps: a backend, a kernel, its options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from heapkit.arguments import wrong

REFERENCE = "6.12.117"  # what the simulation is modelled on


@dataclass(frozen=True, kw_only=True)
class Platform:
    """``kernel`` is a release as ``uname -r`` has it; ``features`` by name.

    A feature that is not named is not known.
    """

    backend: str
    kernel: str
    features: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def version(self) -> tuple[int, ...]:
        """The first numbers of the release, three at most."""
        return version_of(self.kernel)

    def __str__(self) -> str:
        have = [f"{'' if on else 'no '}{name}" for name, on in self.features.items()]
        told = f" ({', '.join(have)})" if have else ""
        return f"{self.backend}, Linux {self.kernel}{told}"


def version_of(release: str) -> tuple[int, ...]:
    """(6, 12, 48) of "6.12.48+deb13-cloud-amd64"."""
    told = release if isinstance(release, str) else ""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", told)
    if found is None:
        raise wrong("conformance", "kernel", release, 'a release such as "6.12.48"')
    return tuple(int(part) for part in found.groups() if part)
