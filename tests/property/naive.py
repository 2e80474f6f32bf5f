# SPDX-License-Identifier: MIT
"""The kernel's allocators over a plain list of pages: slow and easy to read.

Written after the rules of lib/bitmap.c, lib/genalloc.c and mm/cma.c, one page at
a time, to be compared with the C core.
"""


def find(taken, start, length, *, mask=0, offset=0):
    """bitmap_find_next_zero_area_off(): an index, or None."""
    while True:
        while start < len(taken) and taken[start]:
            start += 1
        start = ((start + offset + mask) & ~mask) - offset
        if start + length > len(taken):
            return None
        blocked = [i for i in range(start, start + length) if taken[i]]
        if not blocked:
            return start
        start = blocked[0] + 1


def first(taken, length, **_):
    return find(taken, 0, length)


def best(taken, length, **_):
    """gen_pool_best_fit(): the first of the smallest holes that are long enough."""
    holes, start = [], 0
    while (index := find(taken, start, length)) is not None:
        end = index
        while end < len(taken) and not taken[end]:
            end += 1
        holes.append((end - index, index))
        start = end
    return min(holes)[1] if holes else None


def first_align(taken, length, *, base, align):
    """gen_pool_first_fit_align(): multiples of ``align`` pages of the address."""
    return find(taken, 0, length, mask=align - 1, offset=base % align)


def order_align(taken, length, **_):
    """gen_pool_first_fit_order_align(): counted from the start of the region."""
    power = 1 << (length - 1).bit_length()
    return find(taken, 0, length, mask=power - 1)


FITS = {
    "first": first,
    "best": best,
    "first-align": first_align,
    "order-align": order_align,
}


class Region:
    """Pages of one region, each held by nobody (None) or by a buffer."""

    def __init__(self, pages, base):
        self.owner = [None] * pages
        self.base = base

    @property
    def taken(self):
        return [owner is not None for owner in self.owner]

    def take(self, buffer, at, length):
        assert self.owner[at : at + length] == [None] * length
        self.owner[at : at + length] = [buffer] * length

    def free(self, buffer):
        self.owner = [None if o == buffer else o for o in self.owner]

    def runs(self):
        """Free runs as (first page, length)."""
        runs, start = [], None
        for i, owner in enumerate([*self.owner, "end"]):
            if owner is None and start is None:
                start = i
            elif owner is not None and start is not None:
                runs.append((start, i - start))
                start = None
        return runs


class Carveout(Region):
    def __init__(self, pages, base, *, fit, align):
        super().__init__(pages, base)
        self.fit, self.align = fit, align

    def allocate(self, buffer, length):
        at = FITS[self.fit](self.taken, length, base=self.base, align=self.align)
        if at is None:
            return None
        self.take(buffer, at, length)
        return [(at, length)]


class Cma(Region):
    """One bit for each page; alignment is min(get_order(size), cap)."""

    def __init__(self, pages, base, *, cap):
        super().__init__(pages, base)
        self.cap = cap

    def allocate(self, buffer, length):
        align = 1 << min((length - 1).bit_length(), self.cap)
        at = find(self.taken, 0, length, mask=align - 1, offset=self.base % align)
        if at is None:
            return None
        self.take(buffer, at, length)
        return [(at, length)]


class ChunkedCma(Region):
    """Chunks of a CMA area: aligned powers of two, a pageblock (512 pages) at most."""

    def __init__(self, pages, base, *, chunk):
        super().__init__(pages, base)
        self.chunk = chunk

    def allocate(self, buffer, length):
        left = -(-length // self.chunk) * self.chunk
        entries = []
        while left:
            run = max(min(1 << (left.bit_length() - 1), 512), self.chunk)
            at = find(self.taken, 0, run, mask=run - 1, offset=self.base % run)
            if at is None:
                self.free(buffer)
                return None
            self.take(buffer, at, run)
            entries += [(at + i, self.chunk) for i in range(0, run, self.chunk)]
            left -= run
        return entries


class Chunk(Region):
    """Every chunk is a first fit of its own, all or none."""

    def __init__(self, pages, base, *, chunk):
        super().__init__(pages, base)
        self.chunk = chunk

    def allocate(self, buffer, length):
        entries = []
        for _ in range(-(-length // self.chunk)):
            at = find(self.taken, 0, self.chunk, mask=self.chunk - 1)
            if at is None:
                self.free(buffer)
                return None
            self.take(buffer, at, self.chunk)
            entries.append((at, self.chunk))
        return entries
