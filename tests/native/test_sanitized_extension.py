# SPDX-License-Identifier: MIT
"""The Python extension under ASan and UBSan, as a debug build: checked at every event.

The interpreter is not built for ASan: its runtime is loaded first, and leaks, of
which an interpreter has its own at exit, are left to the C tests.
"""

import shutil
import sys
import sysconfig

from tests.native.programs import DEBUG, ROOT, SANITIZE, build, run

# What crosses to the core in every way; others only do more of the same.
SUITES = (
    "tests/unit/test_ffi.py",
    "tests/unit/test_replay.py",
    "tests/unit/test_sim.py",
    "tests/unit/test_snapshot.py",
    "tests/unit/test_checkpoints.py",
    "tests/unit/test_trace.py",
    "tests/unit/calibration/test_measuring.py",
    "tests/contract",
    "tests/property/test_allocators.py::test_core_agrees_with_the_naive_allocator[best]",
    "tests/property/test_allocators.py::test_core_agrees_with_the_naive_allocator[cma-8]",
)


def runtime(name):
    """A library of the compiler's, where the loader finds it."""
    status, path = run("gcc", f"-print-file-name={name}")
    assert status == 0, path
    return path.strip()


def extension():
    folder = build(
        "python-sanitized",
        *DEBUG,
        SANITIZE,
        "-DCMAKE_C_COMPILER=gcc",
        "-DSKBUILD=ON",
        "-DSKBUILD_STATE=editable",
        f"-DPython_EXECUTABLE={sys.executable}",
    )
    return folder / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}"


def test_the_python_tests_pass_under_sanitizers(skip_or_fail):
    if not shutil.which("gcc"):
        skip_or_fail("no gcc, whose ASan runtime can be loaded into an interpreter")
    status, output = run(
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.native.sanitized_core",
        "-p",
        "no:cacheprovider",
        *SUITES,
        cwd=ROOT,
        HEAPKIT_NATIVE=str(extension()),
        # A C++ exception of another extension needs its thrower to be there too.
        LD_PRELOAD=f"{runtime('libasan.so')} {runtime('libstdc++.so')}",
        ASAN_OPTIONS="detect_leaks=0",
        UBSAN_OPTIONS="print_stacktrace=1",
    )
    assert status == 0, output
    assert "ERROR: AddressSanitizer" not in output
