# SPDX-License-Identifier: MIT
"""A file imports only from its own layer or below: one way down."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "heapkit"

# From the bottom to the top. A new module has to be given its place here.
LAYERS = (
    {"_native", "errors", "units"},
    {"_ffi"},
    {
        *("arguments", "board", "board_parts", "breakdown", "cost_groups"),
        *("event_table", "run_summary"),
        *("cost_presets", "cost_table", "costs", "published"),
        *("explain", "fitting", "interface", "metrics", "placement", "presets", "run"),
        *("ioctls", "samples", "snapshot", "uapi"),
        *("trace", "trace_columns", "trace_file", "trace_parts", "trace_schema"),
        *("checkpoint_file", "file_run", "histogram", "trace_writer"),
        *("accounting", "charging", "explain_uses", "held_over_time", "holdings"),
        *("reserved_file", "trace_names", "trace_ops"),
    },
    {"backends"},
    {
        *("calibration", "checkpoints", "cli", "fallback", "importers", "ion"),
        *("introspection", "offers"),
        "conformance",
        *("long_replay", "long_trace", "pace"),
        *("finding_causes", "finding_words", "finding_writes", "findings", "watch"),
        *("comparison", "sharing", "sharing_calls", "sharing_costs"),
        *("recommendation", "replay", "reserved_memory", "resolve", "sizing"),
        "preload",
        "sync_cost",
        "validation",
        "workloads",
    },
    {"views"},
    {"explorers", "notebook", "show"},
    {"__init__", "__main__"},
)
LAYER = {name: rank for rank, names in enumerate(LAYERS) for name in names}

# Heavy or outward packages, and the only places that may know them.
DOORS = {
    "cffi": {"_ffi"},
    "bokeh": {"views", "explorers", "notebook", "show"},
    "ipywidgets": {"explorers", "notebook"},
    "jupyter_bokeh": {"explorers", "notebook"},
    "IPython": {"explorers", "notebook"},
}

# The C core has no clock, no randomness and no input or output. immintrin.h is the
# vector instructions of x86-64, for the code that is also there for any CPU.
C_HEADERS = {
    "immintrin.h",
    *("assert.h", "errno.h", "limits.h", "math.h", "stdbool.h", "stddef.h", "stdint.h"),
    *("stdlib.h", "string.h"),
    *("cpuid.h", "immintrin.h"),  # what the CPU can run, and AVX2 of it
}

FILES = sorted(PACKAGE.rglob("*.py"))
C_FILES = sorted((ROOT / "native/src").glob("*.[ch]"))


def place(path):
    """The first word of a module inside heapkit: what the layers are named by."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """Every absolute module name that a file imports, wherever in the file."""
    package = ["heapkit", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            base += node.module.split(".") if node.module else []
            for alias in node.names:
                yield ".".join([*base, alias.name])


def inside_the_door(path):
    return [m for m in imports(path) if m.startswith("heapkit._ffi.")]


def inner_places(path):
    for module in imports(path):
        parts = module.split(".")
        if parts[0] == "heapkit" and len(parts) > 1:
            yield parts[1] if parts[1] in LAYER or is_module(parts[1]) else "__init__"


def is_module(name):
    return (PACKAGE / f"{name}.py").exists() or (PACKAGE / name).is_dir()


def strings(path):
    """The string constants of a file, without its docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    prose = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, documented)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node not in prose:
            yield node.value


def name_of(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_has_a_layer(path):
    assert place(path) in LAYER, f"give {place(path)} a place in LAYERS"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_imports_nothing_from_above(path):
    above = {p for p in inner_places(path) if LAYER[p] > LAYER[place(path)]}
    assert not above


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_ffi_door_imports_the_compiled_module(path):
    if place(path) != "_ffi":
        assert "_native" not in set(inner_places(path))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_ffi_door_says_ffi_or_lib(path):
    if place(path) != "_ffi":
        tree = ast.walk(ast.parse(path.read_text()))
        names = {node.id for node in tree if isinstance(node, ast.Name)}
        assert not names & {"ffi", "lib"}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_the_ffi_door_is_entered_by_its_front(path):
    if place(path) != "_ffi":
        rooms = {p.stem for p in (PACKAGE / "_ffi").glob("*.py")}
        assert not {m for m in inside_the_door(path) if m.split(".")[2] in rooms}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_only_the_live_backend_names_a_device_file(path):
    if path.parent != PACKAGE / "backends/live":
        assert not [s for s in strings(path) if isinstance(s, str) and "/dev/" in s]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_heavy_packages_are_imported_only_at_their_doors(path):
    known = {module.split(".")[0] for module in imports(path)} & set(DOORS)
    assert not {module for module in known if place(path) not in DOORS[module]}


@pytest.mark.parametrize("path", C_FILES, ids=name_of)
def test_c_core_includes_no_input_output_or_clock(path):
    included = set(re.findall(r"#\s*include\s*<([^>]+)>", path.read_text()))
    assert included <= C_HEADERS


def test_notebooks_talk_to_the_package_not_to_its_inside():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        assert "_ffi" not in path.read_text(), path.name
        assert "_native" not in path.read_text(), path.name
