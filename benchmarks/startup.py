# SPDX-License-Identifier: MIT
"""What a user waits for before anything is computed, and what a notebook weighs."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.figures import Figure
from benchmarks.plan import Plan
from benchmarks.program import ROOT, WrongResult

IMPORT = """
import json, sys, time
start = time.process_time()
import heapkit
spent = time.process_time() - start
heavy = {"bokeh", "pandas", "ipywidgets", "IPython", "jupyter_bokeh"} & set(sys.modules)
print(json.dumps([spent, sorted(heavy)]))
"""


def measure(plan: Plan) -> list[Figure]:
    """CPU time of the import, and the heaviest notebook."""
    figures = []
    if plan.wants("import heapkit"):
        figures.append(import_time(plan))
    if plan.wants("notebook without outputs"):
        figures.append(notebook_size())
    return figures


def import_time(plan: Plan) -> Figure:
    """In a new interpreter each time; ``WrongResult`` if a heavy package comes too."""
    rounds = []
    for _ in range(plan.rounds):
        done = subprocess.run(  # noqa: S603 -- our own interpreter
            [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True
        )
        spent, heavy = json.loads(done.stdout)
        if heavy:
            raise WrongResult(f"import heapkit imports {', '.join(heavy)}")
        rounds.append(spent)
    return Figure("import heapkit", "", "s", tuple(rounds))


def notebook_size() -> Figure:
    """Of the committed ones, which have no outputs."""
    sizes = {
        path.stat().st_size: path.name for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    largest = max(sizes)
    return Figure(
        "notebook without outputs", "", "kB", (largest / 1000,), sizes[largest]
    )
