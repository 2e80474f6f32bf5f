# SPDX-License-Identifier: MIT
"""Every source file says its licence in its first lines."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("heapkit", "native", "tests", "benchmarks", "data", "docs", ".ci")
SUFFIXES = {".py", ".pyi", ".c", ".h", ".sh", ".toml", ".yml", ".cmake", ".md"}
NAMES = {"Makefile", "CMakeLists.txt", "run", "system-packages"}
SKIPPED = {"__pycache__", "_site", "artefacts"}


def sources():
    files = [path for path in ROOT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        files += (ROOT / folder).rglob("*")
    for path in sorted(files):
        named = path.suffix in SUFFIXES or path.name in NAMES
        if path.is_file() and named and not SKIPPED & set(path.parts):
            yield path


@pytest.mark.parametrize(
    "path", list(sources()), ids=lambda p: str(p.relative_to(ROOT))
)
def test_source_file_begins_with_its_licence(path):
    first_lines = path.read_text().splitlines()[:2]
    assert any("SPDX-License-Identifier: MIT" in line for line in first_lines)


def test_licence_is_shipped():
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
