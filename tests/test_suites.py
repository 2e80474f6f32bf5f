# SPDX-License-Identifier: MIT
"""``make test`` reaches every test there is, and ``make help`` stays short."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTEST = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]
TARGETS = {"lab", "test", "bench", "docs", "lint", "live", "clean", "help"}


def makefile_targets():
    text = (ROOT / "Makefile").read_text()
    return dict(re.findall(r"^([a-z]+):.*?## (.+)$", text, flags=re.MULTILINE))


def test_every_test_file_is_in_a_suite():
    suites = [
        path
        for pattern in PYTEST["ini_options"]["testpaths"]
        for path in ROOT.glob(pattern)
    ]
    for path in (ROOT / "tests").rglob("test_*.py"):
        assert [s for s in suites if path == s or s in path.parents], path


def test_every_notebook_is_executed():
    (pattern,) = [
        p for p in PYTEST["ini_options"]["testpaths"] if p.startswith("notebooks/")
    ]
    assert set(ROOT.glob(pattern)) == set((ROOT / "notebooks").glob("*.ipynb"))


def test_make_help_lists_at_most_ten_targets():
    command = ["make", "--no-print-directory", "help"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert len(lines) <= 10
    assert [line.split()[1] for line in lines] == list(makefile_targets())


def test_make_has_the_targets_that_the_readme_and_ci_rely_on():
    assert set(makefile_targets()) >= TARGETS


def test_ci_runs_the_same_command_as_a_person():
    assert re.search(r"^make test$", (ROOT / ".ci/run").read_text(), flags=re.MULTILINE)
