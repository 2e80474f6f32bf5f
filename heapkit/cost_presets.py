# SPDX-License-Identifier: MIT
"""What was published of single platforms: (name, value, source, status) each.

A preset changes only what its platform has a figure for, and a preset that was
fitted on a figure says so: that figure is then no prediction of its.
"""

from __future__ import annotations

Change = tuple[str, float, str, str]

_PARK = "S. Park, GCMA RFC v1 and v2 (LKML 2014-11, 2015-02), CuBox i4 Pro"
_MINIMA = f"{_PARK}: the line below CMA's minima"
_MOVED = (
    f"{_PARK}: least squares on CMA's averages under make -j16, the area taken to be "
    "full; unmapping and waiting are in it; the two series alone give 26 and 41 µs"
)
_GCMA_MINIMA = f"{_PARK}: relative least squares on GCMA's minima"
_DROPPED = f"{_PARK}: least squares on GCMA's averages, less its minima"
_RETRY = "as cma_call: assumed"
_ARM32 = (
    "P. Suryawanshi, linux-mm 2019-03, ARM32 4.14, 2 GB, idle: mean of seven times "
    "390100 kB, less cma_call"
)
_UNLOCK = (
    "google/perfetto's tests, Android 5.10: cma_alloc of 25.75 MiB in 110.15 ms, less "
    "832596 unmap_mapping of 100 ns, which is assumed"
)
_KIM = "Linux 02c6de8d757c (2012), QEMU: 10 MiB, {} ms, less the default's cma_call"
_DSB = (
    "scale assumed; 'dma-mapping: batched DSB' (linux-arm-kernel 2025-10), "
    "dma_map_sg of 4 KiB entries: 64.61 % less without it"
)
_MILAN = "{} GB/s at {}: summary of Linux cb431acc at lexplain.net, AMD Milan"
_RADXA = (
    "lkml.iu.edu 2604.0/09694: walk of 2 GiB by entries, 0.232 ms; the page table "
    "itself is not in it"
)
_ZCU102 = "read() of an uncached buffer at 130 MB/s (ikwzm/udmabuf issues 97 and 120)"
_IMX8M = (
    "scale assumed; memcpy of a frame about 3 times as long as cached "
    "(coral imx-gst-plugins-base 683f2554)"
)
_SYSFS = (
    "scale assumed; T. Mercier, patchwork 20250414225227: files in sysfs are 39 % of "
    "the creation of a single-page buffer"
)

PRESETS: dict[str, tuple[Change, ...]] = {
    # A 1 GHz Cortex-A9 with four cores under load.
    "cubox-i4": (
        ("cma_call", 380_743, _MINIMA, "fitted"),
        ("cma_page", 257.2, _MINIMA, "fitted"),
        ("cma_retry", 380_743, _RETRY, "assumed"),
        ("migrate_page", 33_246, _MOVED, "fitted"),
    ),
    # The same board with an area that discards instead.
    "cubox-i4-gcma": (
        ("cma_call", 12_142, _GCMA_MINIMA, "fitted"),
        ("cma_page", 841.9, _GCMA_MINIMA, "fitted"),
        ("cma_retry", 12_142, _RETRY, "assumed"),
        ("discard_page", 394, _DROPPED, "fitted"),
    ),
    "arm32-4.14": (("cma_page", 236.3, _ARM32, "fitted"),),
    "phone-2021": (("migrate_page", 3910, _UNLOCK, "fitted"),),
    "dimensity-9500": (("sync_entry", 504, _DSB, "fitted"),),
    "qemu-2012": (
        ("migrate_page", 56_653, _KIM.format(146), "fitted"),
        ("discard_page", 2356, _KIM.format(7), "fitted"),
    ),
    "epyc-milan": (
        ("zero_page", 299, _MILAN.format(13.7, "4 KiB"), "published"),
        ("zero_page_1m", 271, _MILAN.format(15.1, "2 MiB"), "published"),
    ),
    "radxa-o6": (("vmap_page", 0.44, _RADXA, "published"),),
    "zcu102": (("uncached_read_line", 492, _ZCU102, "published"),),
    "imx8m": (("uncached_read_line", 15, _IMX8M, "fitted"),),
    "sysfs-stats": (("allocate_call", 8710, _SYSFS, "fitted"),),
}
