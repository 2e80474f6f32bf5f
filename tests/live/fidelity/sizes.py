# SPDX-License-Identifier: MIT
"""How many pages a random request asks for, of a heap that has ``pages``.

Most are small beside the heap: an emulated machine takes 5 ms to clear 1 MiB.
"""

from __future__ import annotations

import math
from random import Random


def order(rng: Random, pages: int) -> int:
    """1, 2, 4 … up to a 32nd of the heap."""
    return int(1 << rng.randrange(pages.bit_length() - 5))


def odd(rng: Random, _: int) -> int:
    """An odd number, about 1 MiB at most."""
    return 2 * rng.randrange(150) + 1


def beside_an_order(rng: Random, pages: int) -> int:
    """A power of two, one less, or one more."""
    return max(1, order(rng, pages) + rng.choice((-1, 0, 1)))


def any_magnitude(rng: Random, pages: int) -> int:
    """10 as likely as 100, up to a 16th of the heap."""
    return int(2 ** rng.uniform(0, math.log2(pages / 16)))


def large(rng: Random, pages: int) -> int:
    """From a 16th of the heap to more than it has."""
    return int(2 ** rng.uniform(math.log2(pages / 16), math.log2(pages + 1))) + 1


def blocks(rng: Random, pages: int) -> int:
    """Some blocks of each of a system heap's orders, 8, 4 and 0."""
    counts = (rng.randrange(3), rng.randrange(16), rng.randrange(16))
    wanted = 256 * counts[0] + 16 * counts[1] + counts[2]
    return min(max(1, wanted), pages)
