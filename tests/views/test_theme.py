# SPDX-License-Identifier: MIT
"""Colours that everybody tells apart."""

from itertools import combinations

import numpy as np
import pytest

from heapkit.cost_groups import GROUPS
from heapkit.views import theme

# Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of
# Color Vision Deficiency" (2009), severity 1.0, in linear RGB.
SEEN = {
    "by most": np.eye(3),
    "without red": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "without green": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "without blue": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
TO_XYZ = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)
WHITE = np.array([0.9505, 1.0, 1.089])


def lab(colour, seen):
    """CIE Lab (D65) of a colour as it is seen."""
    code = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8) / 255
    linear = np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(seen @ linear, 0, 1) / WHITE
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def least_distance(colours, seen):
    points = [lab(colour, seen) for colour in colours]
    return min(np.linalg.norm(a - b) for a, b in combinations(points, 2))


@pytest.mark.parametrize("how", SEEN)
def test_the_parts_are_as_far_apart_as_the_palette_they_extend(how):
    whole = min(least_distance(theme.OWNERS, seen) for seen in SEEN.values())
    assert whole > 16
    assert least_distance(theme.PARTS, SEEN[how]) >= 0.99 * whole


def test_there_is_a_colour_for_each_part():
    assert len(set(theme.PARTS)) == len(theme.PARTS) == len(GROUPS)


def test_an_axis_without_data_is_not_empty():
    assert theme.headroom(0) == 1.0
    assert theme.headroom(100) > 100
