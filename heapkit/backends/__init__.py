# SPDX-License-Identifier: MIT
"""Where buffers come from: ``sim`` (the C core) or ``live`` (the running kernel)."""
