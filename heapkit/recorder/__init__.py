# SPDX-License-Identifier: MIT
"""What the heaps of a running kernel are asked, written to a trace as it happens.

Two kinds of source: the kernel's tracepoints (:mod:`heapkit.recorder.tracefs`), and
the lists of its buffers, read again and again (:mod:`heapkit.recorder.polling`).
:mod:`heapkit.recorder.assembly` makes one trace of them, in which every buffer is
once; ``docs/recorder.md`` says by which rule.
"""
