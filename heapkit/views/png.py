# SPDX-License-Identifier: MIT
"""A palette PNG from an array of colour indices, with nothing but zlib.

Half a million pages are one byte each before compression, and a browser shows
such a picture in a fraction of the time Bokeh needs for the same image glyph
(docs/decisions/0041-page-map-as-png.md).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PALETTE_IMAGE = 3  # colour type of the IHDR chunk, PNG specification 11.2.2


def write_png(
    indices: npt.NDArray[np.uint8], palette: Sequence[str], *, level: int = 1
) -> bytes:
    """The bytes of a PNG: ``indices`` (rows, columns) into ``palette`` ("#rrggbb").

    Level 1 of zlib: a page map is long runs of one value, and a better level
    costs more time than its bytes save on a loopback connection.
    ``ValueError`` for an array that is not two-dimensional, is empty, or holds
    an index beyond the palette.
    """
    if indices.ndim != 2 or not indices.size:
        raise ValueError(f"indices: a non-empty 2-d array, not shape {indices.shape}")
    if int(indices.max()) >= len(palette):
        raise ValueError(
            f"indices: {int(indices.max())} is beyond a palette of {len(palette)}"
        )
    rows, columns = indices.shape
    scanlines = np.zeros((rows, columns + 1), np.uint8)  # filter byte 0: none
    scanlines[:, 1:] = indices
    header = struct.pack(">IIBBBBB", columns, rows, 8, _PALETTE_IMAGE, 0, 0, 0)
    colours = b"".join(bytes.fromhex(colour[1:]) for colour in palette)
    return (
        _SIGNATURE
        + _chunk(b"IHDR", header)
        + _chunk(b"PLTE", colours)
        + _chunk(b"IDAT", zlib.compress(scanlines.tobytes(), level))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)
