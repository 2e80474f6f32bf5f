# SPDX-License-Identifier: MIT
"""Measurements, as ratios within one run: a rate alone tells more of the machine."""
