# SPDX-License-Identifier: MIT
"""What ``import heapkit`` offers is listed, is there and says what it is."""

import inspect
import types

import pytest

import heapkit as hk

# The public contract: notebooks and programs outside the project rely on it.
CONTRACT = {
    *("KiB", "MiB", "GiB"),
    *("Board", "Memory", "PagePool", "Device"),
    *("SystemHeap", "CmaHeap", "CarveoutHeap", "ChunkHeap", "SecureHeap"),
    *("Op", "Trace", "Run", "Cost", "Costs"),
    *("simulate", "live", "read", "replay", "size", "workloads", "explore", "notebook"),
    *("BackendUnavailable", "FormatError", "InvariantError"),
}
DOCUMENTED = sorted(
    name
    for name in hk.__all__
    if isinstance(
        getattr(hk, name),
        (type, types.FunctionType, types.ModuleType, types.MethodType),
    )
)


def first_line(thing):
    return (inspect.getdoc(thing) or "").split("\n\n")[0].strip()


def test_public_names_hold_the_contract():
    assert set(hk.__all__) >= CONTRACT


def test_public_names_are_listed_once():
    assert len(hk.__all__) == len(set(hk.__all__))


@pytest.mark.parametrize("name", sorted(hk.__all__))
def test_listed_name_is_there(name):
    assert getattr(hk, name) is not None


def test_names_that_are_not_listed_are_private_or_modules():
    visible = {n for n, v in vars(hk).items() if not isinstance(v, types.ModuleType)}
    hidden = {n for n in visible - set(hk.__all__) if not n.startswith("_")}
    assert hidden <= {"annotations", "TYPE_CHECKING"}


def test_tab_completion_shows_the_lazy_names_too():
    assert set(dir(hk)) >= set(hk.__all__)


def test_unknown_name_is_an_attribute_error_that_names_it():
    with pytest.raises(AttributeError, match="nonsense"):
        hk.nonsense  # noqa: B018


@pytest.mark.parametrize("name", DOCUMENTED)
def test_public_name_begins_with_a_sentence(name):
    line = first_line(getattr(hk, name))
    assert line, f"{name} has no docstring"
    assert line[0].isupper() or not line[0].isalpha(), line
    assert line.endswith((".", ":")), line
