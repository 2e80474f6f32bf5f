# SPDX-License-Identifier: MIT
"""The notebooks that bind to a real heap, where there is one.

Their cells run in a plain IPython shell: a Jupyter server's kernel speaks TCP, which
a small kernel need not have, and takes twice as long to start.
"""

from __future__ import annotations

import subprocess
import sys

RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
for cell in json.load(open(sys.argv[1]))["cells"]:
    if cell["cell_type"] == "code":
        done = shell.run_cell("".join(cell["source"]), store_history=True)
        if "raises-exception" not in cell["metadata"].get("tags", ()):
            done.raise_error()
"""


def test_a_notebook_on_real_heaps_concludes_what_it_asserts(live_notebook):
    command = [sys.executable, "-c", RUN, live_notebook]
    done = subprocess.run(
        command, cwd=live_notebook.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
