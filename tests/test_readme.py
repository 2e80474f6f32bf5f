# SPDX-License-Identifier: MIT
"""The README is true: its code runs, and what it points at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def test_readme_has_code_to_try():
    assert CODE


@pytest.mark.parametrize("block", CODE)
def test_code_in_the_readme_runs_and_says_something(block, capsys):
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_links_within_the_project_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in target and "_site" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"notebooks/\w+\.ipynb", README)))
)
def test_notebook_that_the_readme_names_is_there(name):
    assert (ROOT / name).exists()


def test_first_screen_shows_a_picture_and_the_two_commands():
    screen = "\n".join(README.splitlines()[:25])
    assert re.search(r"!\[.+\]\(docs/images/\w+\.png\)", screen)
    assert "make lab" in screen
    assert "make test" in screen
