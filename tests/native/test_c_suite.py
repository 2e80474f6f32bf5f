# SPDX-License-Identifier: MIT
"""The C core's own tests, built with ASan and UBSan, each as one test here."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.native.programs import PLAIN, ROOT, SANITIZE, SHORT, build, run

SENTENCE = re.compile(r"^TEST\((\w+)\)", re.MULTILINE)
# Comparisons with the naive models run at length without sanitizers, in
# test_differential.py: here they are short.
LONG_ELSEWHERE = ("_naive", "_adversary")

CASES = [
    pytest.param(
        name,
        SHORT if source.stem.endswith(LONG_ELSEWHERE) else {},
        id=f"{source.stem.removeprefix('test_')}-{name}",
    )
    for source in sorted((ROOT / "native" / "tests").glob("test_*.c"))
    for name in SENTENCE.findall(source.read_text())
]


@pytest.fixture(scope="module")
def program():
    return build("c-tests", *PLAIN, SANITIZE) / "heapkit-tests"


@pytest.fixture(scope="module")
def outcomes(program, request):
    """What every chosen test said, two of them at a time: {(name, CPU): future}."""
    chosen = [
        (item.callspec.params["name"], item.originalname, item.callspec.params)
        for item in request.session.items
        if item.path == request.path and hasattr(item, "callspec")
    ]
    with ThreadPoolExecutor(2) as pool:
        yield {
            (name, test): pool.submit(
                run, program, name, **params["settings"], **CPU_OF[test]
            )
            for name, test, params in chosen
        }
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_the_c_core(outcomes, name, settings):
    status, output = outcomes[name, "test_the_c_core"].result()
    assert status == 0, output
    assert f"ok 1 - {name}" in output


# Whatever takes its place from a run index, with code for any CPU: the tests above
# have used the best that this one can run.
PLACING = re.compile(r"run_index|max_tree|gen_pool|cma_area|hole_index")
PLACED = [case for case in CASES if PLACING.match(case.id)]


@pytest.mark.parametrize(("name", "settings"), PLACED)
def test_the_c_core_on_any_cpu(outcomes, name, settings):
    status, output = outcomes[name, "test_the_c_core_on_any_cpu"].result()
    assert status == 0, output


CPU_OF = {
    "test_the_c_core": {},
    "test_the_c_core_on_any_cpu": {"HEAPKIT_TEST_PORTABLE": "1"},
}


def test_the_program_holds_every_test_of_the_sources(program):
    _, listing = run(program, "--list")
    listed = [line.split()[1] for line in listing.splitlines()]
    assert sorted(listed) == sorted(case.values[0] for case in CASES)
