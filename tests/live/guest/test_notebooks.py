# SPDX-License-Identifier: MIT
"""The notebooks that bind to a real heap, where there is one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXECUTE = Path(sys.executable).with_name("jupyter-execute")


def test_a_notebook_on_real_heaps_concludes_what_it_asserts(live_notebook, tmp_path):
    # The checkout is read-only here, so the outputs go elsewhere.
    command = [EXECUTE, f"--output={tmp_path / live_notebook.name}", live_notebook]
    done = subprocess.run(
        command, cwd=live_notebook.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-4000:]
