# SPDX-License-Identifier: MIT
"""What a snapshot and an observation say of themselves in one line."""

import heapkit as hk


def test_a_snapshot_of_many_regions_shows_as_one_line():
    layout = hk.read(hk.sample("rk_dma_heap_alloc_map_rv1106"))
    wanted = "<Snapshot of 'rk-dma-heap-cma': 44 regions, 22.2 MiB of 22.2 MiB in use>"
    assert repr(layout) == wanted


def test_an_observation_shows_as_one_line():
    seen = hk.read(hk.sample("bufinfo_amdgpu_5_14"))
    assert repr(seen) == "<Observation of 9 buffers, 36.82 MiB>"
