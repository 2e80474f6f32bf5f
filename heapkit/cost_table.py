# SPDX-License-Identifier: MIT
"""The default of every constant: name, value, unit, source, status.

*Fitted* is also what stands in a published ratio to a constant that is assumed;
its source then says "scale assumed". heapkit.validation holds the fitted ones to
the figures they come from.
"""

from __future__ import annotations

Row = tuple[str, float, str, str, str]

_SURYAWANSHI = (
    "P. Suryawanshi, linux-mm 2019-03, 'mm/cma.c: High latency for cma allocation': "
    "4 KiB in 311 µs, ARM32 4.14"
)
_GCMA = (
    "S. Park, LKML 2015-02, GCMA RFC v2, CuBox i4 Pro, best of 32: 32000 pages in "
    "8612 µs, 1 page in 381 µs, so (8612 - 381) / 31999"
)
_RETRY = "another alloc_contig_range(), taken to cost what cma_call does: assumed"
_FACE_UNLOCK = (
    "one Android 5.10 trace kept in google/perfetto's tests: cma_alloc of 6592 pages, "
    "6365 migrated, 832596 mappings, 110.15 ms, less cma_call, cma_page and "
    "unmap_mapping; a loaded 1 GHz Cortex-A9 takes 20 to 41 µs (preset cubox-i4)"
)
_MAPPING = (
    "one page-table entry that is in no cache, an access to DRAM: assumed; no "
    "measurement of the kernel's was found"
)
_DISCARD = (
    "ratio to migrate_page from Linux 02c6de8d757c (10 MiB: 146 ms migrated, 7 ms "
    "discarded, QEMU); scale from migrate_page"
)
_CLEAR = (
    "scale assumed; ratio to zero_page from AMD Milan, 15.1 GB/s at 2 MiB against "
    "13.7 at 4 KiB (summary of Linux cb431acc at lexplain.net)"
)
_DSB = (
    "scale assumed; ratio to clean_line from 'dma-mapping: batched DSB' "
    "(linux-arm-kernel 2025-10): without the barrier dma_map_sg of 10 MB in 4 KiB "
    "entries takes 64.61 % less"
)
_LINE = "order of magnitude of DC CVAC/CIVAC: assumed; no public number found"
_REMAP = (
    "scale assumed; ratio to mmap_page from Linux 04c7adb587: 512 MiB in 6.99 s with "
    "a call a page, in 0.198 s with one an entry of 1 MiB"
)
_VMAP = (
    "a page-table entry of the kernel: assumed; the walk alone takes 0.44 to 2.7 ns "
    "(Radxa O6, lkml.iu.edu 2604.0/09694)"
)
_UNCACHED = (
    "scale assumed; ratio to cpu_read_line 5.5, Zynq-7035 (ikwzm/udmabuf issues 97 "
    "and 120)"
)
_EXPORT = (
    "ioctl, dma-buf and file: assumed; per-buffer files in sysfs were 39 % of a "
    "single page's creation (preset sysfs-stats)"
)
_WORLD = "a call into a hypervisor or secure monitor, shared by its list: assumed"

# In the order of struct hk_costs.
DEFAULTS: tuple[Row, ...] = (
    ("allocate_call", 5000, "ns/call", _EXPORT, "assumed"),
    ("free_call", 3000, "ns/call", "last fput: assumed", "assumed"),
    ("buddy_block", 300, "ns/block", "one zone-locked block: assumed", "assumed"),
    ("buddy_split", 10, "ns/step", "a block halved once: assumed", "assumed"),
    ("buddy_page", 2, "ns/page", "setting up a struct page: assumed", "assumed"),
    ("pool_block", 80, "ns/block", "list operation under a lock: assumed", "assumed"),
    ("zero_page", 500, "ns/page", "4 KiB at about 8 GB/s: assumed", "assumed"),
    ("zero_page_64k", 477, "ns/page", "between its neighbours: assumed", "assumed"),
    ("zero_page_1m", 454, "ns/page", _CLEAR, "fitted"),
    ("reclaim_page", 1000, "ns/page", "a shrinker's page back: assumed", "assumed"),
    ("gen_pool_call", 500, "ns/call", "one bitmap search: assumed", "assumed"),
    ("cma_call", 311_000, "ns/call", _SURYAWANSHI, "published"),
    ("cma_page", 257, "ns/page", _GCMA, "fitted"),
    ("cma_retry", 311_000, "ns/retry", _RETRY, "assumed"),
    ("migrate_page", 3910, "ns/page", _FACE_UNLOCK, "fitted"),
    ("unmap_mapping", 100, "ns/mapping", _MAPPING, "assumed"),
    ("discard_page", 187, "ns/page", _DISCARD, "fitted"),
    ("protect_page", 1000, "ns/page", _WORLD, "assumed"),
    ("memfd_page", 500, "ns/page", "a page cache lookup and a pin: assumed", "assumed"),
    ("attach_call", 1000, "ns/call", "two kzallocs: assumed", "assumed"),
    ("attach_entry", 10, "ns/entry", "copying a scatterlist: assumed", "assumed"),
    ("map_entry", 20, "ns/entry", "dma-direct, no IOMMU: assumed", "assumed"),
    ("unmap_entry", 20, "ns/entry", "dma-direct, no IOMMU: assumed", "assumed"),
    ("iommu_map_entry", 200, "ns/entry", "a range in a page table: assumed", "assumed"),
    ("iommu_unmap_entry", 200, "ns/entry", "a range and its TLB: assumed", "assumed"),
    ("sync_call", 500, "ns/call", "ioctl and the buffer's lock: assumed", "assumed"),
    ("sync_entry", 504, "ns/entry", _DSB, "fitted"),
    ("clean_line", 4, "ns/line", _LINE, "assumed"),
    ("invalidate_line", 4, "ns/line", _LINE, "assumed"),
    ("dirty_line", 4, "ns/line", "64 bytes at 16 GB/s: assumed", "assumed"),
    ("mmap_call", 2000, "ns/call", "system call and a vma: assumed", "assumed"),
    ("mmap_page", 20, "ns/page", "a page-table entry of a program: assumed", "assumed"),
    ("mmap_entry", 796, "ns/entry", _REMAP, "fitted"),
    (
        "vmap_call",
        2000,
        "ns/call",
        "a vm_struct and its page array: assumed",
        "assumed",
    ),
    ("vmap_page", 20, "ns/page", _VMAP, "assumed"),
    ("cpu_read_line", 5, "ns/line", "64 bytes at about 13 GB/s: assumed", "assumed"),
    ("cpu_write_line", 5, "ns/line", "64 bytes at about 13 GB/s: assumed", "assumed"),
    ("uncached_read_line", 27.5, "ns/line", _UNCACHED, "fitted"),
    ("line_bytes", 64, "bytes", "D-cache line of most arm64 cores", "assumed"),
    ("cache_bytes", 2 * 2**20, "bytes", "a phone's last level: assumed", "assumed"),
)
