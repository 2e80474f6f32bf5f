# SPDX-License-Identifier: MIT
"""A notebook asks one question, tries, concludes and asserts its conclusion."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
SECTIONS = ("Question", "Model", "Experiment", "What we see", "Conclusion", "Try it")
LONGEST_CELL = 15
LARGEST_FILE = 100_000


def cells(path, kind):
    book = nbformat.read(path, as_version=4)
    return [cell for cell in book.cells if cell.cell_type == kind]


def code(cell):
    """The syntax tree of a cell, without the lines that are IPython's own."""
    lines = cell.source.splitlines()
    return ast.parse("\n".join(line for line in lines if line[:1] not in {"%", "!"}))


def headings(path):
    for cell in cells(path, "markdown"):
        for line in cell.source.splitlines():
            if line.startswith("## "):
                yield line.removeprefix("## ").strip()


def by_name(test):
    return pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.name)(test)


def test_there_are_notebooks_to_check():
    assert NOTEBOOKS


@by_name
def test_notebook_has_a_number_and_a_lower_snake_name(path):
    assert re.fullmatch(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*\.ipynb", path.name)


@by_name
def test_notebook_is_well_formed(path):
    nbformat.validate(nbformat.read(path, as_version=4))


@by_name
def test_notebook_has_its_sections_in_order(path):
    assert [h for h in headings(path) if h in SECTIONS] == list(SECTIONS)


@by_name
def test_notebook_begins_with_prose(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")


@by_name
def test_notebook_defines_no_function_and_no_class(path):
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    for cell in cells(path, "code"):
        assert not [n for n in ast.walk(code(cell)) if isinstance(n, kinds)]


@by_name
def test_notebook_cells_are_short(path):
    for cell in cells(path, "code"):
        assert len(cell.source.splitlines()) <= LONGEST_CELL, cell.source


@by_name
def test_notebook_imports_only_in_its_first_code_cell(path):
    first, *rest = (code(cell) for cell in cells(path, "code"))
    kinds = (ast.Import, ast.ImportFrom)
    assert [node for node in ast.walk(first) if isinstance(node, kinds)]
    assert not [n for tree in rest for n in ast.walk(tree) if isinstance(n, kinds)]


@by_name
def test_notebook_asserts_its_conclusion(path):
    asserting = [
        any(isinstance(node, ast.Assert) for node in ast.walk(code(cell)))
        for cell in concluding_cells(path)
    ]
    assert asserting
    assert asserting[-1]


def concluding_cells(path):
    """The code cells from the conclusion to "Try it", which invites to change."""
    inside = False
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            if "## Conclusion" in cell.source:
                inside = True
            if "## Try it" in cell.source:
                inside = False
        elif inside:
            yield cell


@by_name
def test_notebook_is_committed_without_outputs(path):
    for cell in cells(path, "code"):
        assert not cell.outputs
        assert cell.execution_count is None


@by_name
def test_notebook_names_its_kernel_so_that_lab_does_not_ask(path):
    book = nbformat.read(path, as_version=4)
    assert book.metadata.kernelspec.name == "python3"


@by_name
def test_notebook_file_is_small(path):
    assert path.stat().st_size <= LARGEST_FILE
