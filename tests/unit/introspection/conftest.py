# SPDX-License-Identifier: MIT
"""A machine's /proc and /sys as files below a directory."""

import pytest


@pytest.fixture
def machine(tmp_path):
    """Write files, given by their names on the machine; the root."""

    def write(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return write
