# SPDX-License-Identifier: MIT
"""The lists of packages agree: pyproject.toml, environment.yml and the lock."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text())

# What conda-forge calls by another name.
CONDA_NAMES = {"python-build": "build"}
# What is in the conda environment only: the interpreter and its tools.
CONDA_ONLY = {"python", "pip", "c-compiler"}
# The import names that are not the name of their package.
IMPORT_NAMES = {
    "IPython": "ipython",
    "PIL": "pillow",
    "xdist": "pytest-xdist",
    "yaml": "pyyaml",
}
# What needs no package.
OURS = {"heapkit", "tests", "benchmarks", "docs"}


def bounds(lines):
    """Name -> bounds of requirement lines."""
    found = {}
    for line in lines:
        requirement = Requirement(line)
        name = CONDA_NAMES.get(requirement.name, requirement.name)
        found[canonicalize_name(name)] = requirement.specifier
    return found


def group(name):
    return PROJECT["dependency-groups"][name]


def conda_lines():
    plain = [line for line in CONDA["dependencies"] if isinstance(line, str)]
    (pip,) = [line["pip"] for line in CONDA["dependencies"] if isinstance(line, dict)]
    return plain, pip


def lock():
    """Both locks: of all, and of what make bench needs beside."""
    paths = (".ci/requirements.txt", ".ci/requirements-bench.txt")
    return "\n".join((ROOT / path).read_text() for path in paths)


def locked_versions():
    versions = {}
    for line in lock().splitlines():
        if "==" not in line or line.startswith((" ", "#")):
            continue
        requirement = Requirement(line.rstrip("\\ "))
        if requirement.marker is None or requirement.marker.evaluate():
            (pin,) = requirement.specifier
            versions[canonicalize_name(requirement.name)] = pin.version
    return versions


def declared():
    lines = list(PROJECT["project"]["dependencies"])
    for name in ("build", "docs", "test", "lint", "bench"):
        lines += group(name)
    return bounds(lines)


def test_conda_environment_has_the_names_and_bounds_of_the_project():
    plain, pip = conda_lines()
    listed = bounds(plain) | bounds(line for line in pip if not line.startswith("-"))
    groups = group("build") + group("docs") + group("test")
    wanted = bounds([*PROJECT["project"]["dependencies"], *groups])
    assert {k: v for k, v in listed.items() if k not in CONDA_ONLY} == wanted


def test_conda_environment_has_the_python_of_the_project():
    plain, _ = conda_lines()
    assert str(bounds(plain)["python"]) == PROJECT["project"]["requires-python"]


def test_conda_environment_takes_packages_from_conda_forge_alone():
    assert CONDA["channels"] == ["conda-forge", "nodefaults"]


def test_conda_environment_installs_the_project_itself_with_pip():
    assert "-e ." in conda_lines()[1]


@pytest.mark.parametrize("name", sorted(declared()))
def test_locked_version_is_within_the_bounds(name):
    assert locked_versions()[name] in declared()[name]


def test_every_locked_package_has_a_hash():
    text = lock()
    entries = [
        e for e in text.split("\n") if "==" in e and not e.startswith((" ", "#"))
    ]
    assert entries
    assert all(entry.endswith("\\") for entry in entries)


def test_lock_names_no_index():
    text = lock()
    assert "://" not in text
    assert "--index" not in text


def test_every_runtime_dependency_has_a_lower_bound_and_a_cap():
    for name, specifier in bounds(PROJECT["project"]["dependencies"]).items():
        assert {">=", "<"} <= {part.operator for part in specifier}, name


def imported_packages(*folders):
    """The packages of others that files of a folder import, by distribution name."""
    names = set()
    for path in [path for folder in folders for path in (ROOT / folder).rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.split(".")[0])
    others = names - set(sys.stdlib_module_names) - OURS
    return {canonicalize_name(IMPORT_NAMES.get(name, name)) for name in others}


def test_every_package_that_heapkit_imports_is_declared():
    assert imported_packages("heapkit") <= set(
        bounds(PROJECT["project"]["dependencies"])
    )


def test_every_package_that_tests_and_tools_import_is_declared():
    assert imported_packages("tests", "benchmarks", "docs", "native") <= set(declared())
