# SPDX-License-Identifier: MIT
"""The table of what a kernel offers is true of this one."""

from __future__ import annotations

import os

import pytest

from tests.live import features


@pytest.mark.parametrize("feature", features.PROBES)
def test_the_kernel_offers_what_its_table_says(feature):
    kernel = os.environ.get("HEAPKIT_GUEST_KERNEL")
    if kernel is None:
        pytest.skip("only the rig's kernels have a table")
    assert features.PROBES[feature]() == (feature in features.OFFERED[kernel])
