# SPDX-License-Identifier: MIT
"""What a running kernel says of its buffers and its memory.

Each source is a module with ``read(root)``: ``OSError`` where the machine does not
have it or does not show it, :class:`heapkit.FormatError` where the text is not what
the kernel prints. ``root`` is "/" or a directory with a captured ``proc`` and
``sys``.
"""
