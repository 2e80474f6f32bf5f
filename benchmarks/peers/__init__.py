# SPDX-License-Identifier: MIT
"""What a notebook user would write instead; each gives the core's own answers."""
