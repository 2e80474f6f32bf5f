# SPDX-License-Identifier: MIT
"""The palette PNG: another program reads back what was written."""

import io

import numpy as np
import pytest
from PIL import Image

from heapkit.views.png import write_png

PALETTE = ("#000000", "#ff0000", "#00ff7f")


def test_a_reader_sees_the_same_indices_and_colours():
    indices = np.random.default_rng(1).integers(0, 3, (37, 53), dtype=np.uint8)
    image = Image.open(io.BytesIO(write_png(indices, PALETTE)))
    assert image.mode == "P"
    assert (np.asarray(image) == indices).all()
    assert image.convert("RGB").getpixel((0, 0)) == tuple(
        bytes.fromhex(PALETTE[indices[0, 0]][1:])
    )


def test_half_a_million_pages_are_a_small_file():
    indices = np.zeros((512, 1024), np.uint8)
    indices[100:300] = 1
    assert len(write_png(indices, PALETTE)) < 10_000


def test_an_index_beyond_the_palette_is_refused():
    with pytest.raises(ValueError, match="3 is beyond a palette of 3"):
        write_png(np.full((2, 2), 3, np.uint8), PALETTE)


@pytest.mark.parametrize("shape", [(0, 4), (4,), (2, 2, 2)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(ValueError, match="2-d"):
        write_png(np.zeros(shape, np.uint8), PALETTE)
