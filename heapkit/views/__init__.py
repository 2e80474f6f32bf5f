# SPDX-License-Identifier: MIT
"""Columns in, Bokeh figure out: no controls, no heap, no clock.

Each module has ``…_columns()`` functions that turn arrays into the columns of a
source, reduced to what a screen can show, and one function that draws them. To
update a picture is to assign new columns to its source. Every model has a name
that begins with ``hk_``; tests and exports find it by that name.
"""
