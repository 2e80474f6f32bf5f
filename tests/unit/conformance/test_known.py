# SPDX-License-Identifier: MIT
"""Known differences are read, hold where they say, and the first one counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import heapkit as hk
from heapkit.conformance import (
    CHECKS,
    Difference,
    Platform,
    known_differences,
    read_differences,
)
from heapkit.conformance.known import expected

CHECK = next(check for check in CHECKS if check.id == "mmap.exec")


def difference(**fields):
    return Difference(
        **{"checks": ("mmap.*",), "answers": ("EPERM",), "why": "w", "source": "s"}
        | fields
    )


def platform(kernel="6.12.117", backend="live", **features):
    return Platform(backend=backend, kernel=kernel, features=features)


def test_without_a_difference_the_checks_own_answer_is_right():
    assert expected(CHECK, "system", platform(), ()) == (("ok",), None)


def test_first_that_holds_counts():
    rules = (difference(kernel=">=7.3"), difference(answers=("ok", "EPERM")))
    assert expected(CHECK, "system", platform("7.3.4"), rules)[0] == ("EPERM",)
    assert expected(CHECK, "system", platform("7.0"), rules)[0] == ("ok", "EPERM")


@pytest.mark.parametrize(
    ("condition", "kernel", "holds"),
    [
        (">=7.3", "7.3.4", True),
        (">=7.3", "6.12.117+deb12-cloud-amd64", False),
        (">6.12", "6.12.117", False),
        (">6.12, <7.3", "6.18", True),
        (">6.12, <7.3", "7.3", False),
        ("<6.12.117", "6.12.90", True),
        ("<6.12.117", "6.12.117", False),
        ("==6.12", "6.12.3", True),
        ("<=6.6", "6.6.99", True),
    ],
)
def test_kernel_is_compared_by_as_many_numbers_as_are_said(condition, kernel, holds):
    assert difference(kernel=condition).holds("system", platform(kernel)) == holds


def test_kind_backend_and_features_are_conditions():
    assert difference(kinds=("cma",)).holds("cma", platform())
    assert not difference(kinds=("cma",)).holds("system", platform())
    assert not difference(backends=("sim",)).holds("system", platform())
    without = difference(features={"sync_file": False})
    assert without.holds("system", platform(sync_file=False))
    assert not without.holds("system", platform(sync_file=True))
    assert not without.holds("system", platform())


def test_those_that_come_with_heapkit_have_a_source():
    assert len(known_differences()) >= 10
    assert all(one.why and one.source for one in known_differences())


GOOD = 'checks = ["a.b"]\nanswers = ["ok"]\nwhy = "w"\nsource = "s"\n'


@pytest.mark.parametrize(
    "text",
    [
        "[[difference]]\n",
        "difference = 3\n",
        "[other]\n",
        "[[difference]\n",
        f"[[difference]]\n{GOOD}more = 1\n",
        f'[[difference]]\n{GOOD}kinds = "cma"\n',
        f'[[difference]]\n{GOOD}kernel = "new"\n',
        f"[[difference]]\n{GOOD}kernel = 7\n",
        f"[[difference]]\n{GOOD}kinds = [3]\n",
        f'[[difference]]\n{GOOD}features = {{ sync_file = "no" }}\n',
        f"[[difference]]\n{GOOD}features = 3\n",
    ],
)
def test_file_that_is_none_is_a_format_error_with_its_path(tmp_path, text):
    path = tmp_path / "differences.toml"
    path.write_text(text)
    with pytest.raises(hk.FormatError, match=r"differences\.toml"):
        read_differences(path)


def test_good_file_is_read(tmp_path):
    path = tmp_path / "differences.toml"
    path.write_text(f'[[difference]]\n{GOOD}kernel = ">=7.3, <8.0"\n')
    assert read_differences(path)[0].checks == ("a.b",)


@given(text=st.text())
def test_any_text_is_differences_or_a_format_error(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("fuzz") / "differences.toml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        read_differences(path)
    except hk.FormatError as error:
        assert error.path == path  # noqa: PT017 -- both outcomes are right
