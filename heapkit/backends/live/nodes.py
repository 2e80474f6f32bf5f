# SPDX-License-Identifier: MIT
"""The device files that a machine may offer."""

from __future__ import annotations

from typing import Final

DIRECTORY: Final = "/dev/dma_heap"
UDMABUF: Final = "/dev/udmabuf"
KVM: Final = "/dev/kvm"
