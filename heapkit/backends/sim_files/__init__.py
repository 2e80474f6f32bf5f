# SPDX-License-Identifier: MIT
"""The kernel's file operations on simulated heaps and buffers.

``table`` numbers open files as a process does, ``fences`` are what a buffer's users
wait for, ``mapping`` says which mmap() is refused, ``memory`` copies ioctl arguments
as the kernel does, ``heap_file`` and ``buffer_file`` are the two devices' operations.
"""
