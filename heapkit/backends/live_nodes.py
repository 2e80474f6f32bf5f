# SPDX-License-Identifier: MIT
"""Device nodes beside those of the heaps that a machine may offer."""

from __future__ import annotations

from typing import Final

DMA_HEAP: Final = "/dev/dma_heap"
UDMABUF: Final = "/dev/udmabuf"
KVM: Final = "/dev/kvm"
