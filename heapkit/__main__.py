# SPDX-License-Identifier: MIT
"""``python -m heapkit`` is the command line."""

import sys

from heapkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
