# SPDX-License-Identifier: MIT
"""Importing a buffer into the kernel's virtual GEM driver, as its selftest does.

include/uapi/drm/drm.h: the numbers and structs of the three ioctls that it takes.
"""

from __future__ import annotations

import array
import fcntl
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from heapkit import ioctls

CARDS: Final = Path("/dev/dri")
_RW: Final = ioctls.READ | ioctls.WRITE
_VERSION_DATA: Final = struct.Struct("=iiii6Q")  # struct drm_version, 64 bits
_VERSION: Final = ioctls.number(_RW, "d", 0x00, _VERSION_DATA.size)
_PRIME_DATA: Final = struct.Struct("=IIi")  # struct drm_prime_handle
_PRIME_FD_TO_HANDLE: Final = ioctls.number(_RW, "d", 0x2E, _PRIME_DATA.size)
_GEM_CLOSE_DATA: Final = struct.Struct("=II")  # struct drm_gem_close
_GEM_CLOSE: Final = ioctls.number(ioctls.WRITE, "d", 0x09, _GEM_CLOSE_DATA.size)
_NAME: Final = b"vgem"


def missing() -> str | None:
    """Why there is no device to import into, in one sentence; None if there is."""
    if _card() is None:
        return f"no {CARDS}/card* is vgem's: modprobe vgem (CONFIG_DRM_VGEM)"
    return None


def imported(fd: int) -> Callable[[], None]:
    """Import the dma-buf ``fd``; call what is returned to let it go again."""
    card = _card()
    if card is None:
        raise FileNotFoundError(missing())
    device = os.open(card, os.O_RDWR | os.O_CLOEXEC)
    request = bytearray(_PRIME_DATA.pack(0, 0, fd))
    try:
        fcntl.ioctl(device, _PRIME_FD_TO_HANDLE, request)
    except OSError:
        os.close(device)
        raise
    (handle, _, _) = _PRIME_DATA.unpack(request)

    def release() -> None:
        try:
            fcntl.ioctl(device, _GEM_CLOSE, _GEM_CLOSE_DATA.pack(handle, 0))
        finally:
            os.close(device)

    return release


def _card() -> Path | None:
    """The first node of the driver's; those of others are left alone."""
    return next((path for path in sorted(CARDS.glob("card*")) if _is_vgem(path)), None)


def _is_vgem(path: Path) -> bool:
    try:
        device = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    name = array.array("B", bytes(len(_NAME)))
    address, length = name.buffer_info()
    request = bytearray(_VERSION_DATA.pack(0, 0, 0, 0, length, address, 0, 0, 0, 0))
    try:
        fcntl.ioctl(device, _VERSION, request)
    except OSError:
        return False
    finally:
        os.close(device)
    # The kernel says how long the name is and copies what there is room for.
    return _VERSION_DATA.unpack(request)[4] == len(_NAME) and name.tobytes() == _NAME
