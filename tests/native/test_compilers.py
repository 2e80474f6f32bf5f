# SPDX-License-Identifier: MIT
"""Another compiler, and another machine: no warning, and every C test passes.

gcc for this machine is what all other builds use. A warning is an error in each.
"""

import shutil

from tests.native.programs import FAST, SHORT, build, run

AARCH64 = (
    "-DCMAKE_SYSTEM_NAME=Linux",
    "-DCMAKE_SYSTEM_PROCESSOR=aarch64",
    "-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc",
    # So that the emulator needs no libraries of that machine.
    "-DCMAKE_EXE_LINKER_FLAGS=-static",
)


def test_clang_warns_of_nothing_and_its_code_passes(skip_or_fail):
    if not shutil.which("clang"):
        skip_or_fail("no clang to compile the core with: .ci/system-packages test")
    folder = build("c-clang", *FAST, "-DCMAKE_C_COMPILER=clang")
    status, output = run(folder / "heapkit-tests", **SHORT)
    assert status == 0, output


def test_gcc_for_aarch64_warns_of_nothing_and_its_code_passes(skip_or_fail):
    for tool in ("aarch64-linux-gnu-gcc", "qemu-aarch64"):
        if not shutil.which(tool):
            skip_or_fail(f"no {tool}: .ci/system-packages test")
    folder = build("c-aarch64", *FAST, *AARCH64)
    status, output = run("qemu-aarch64", folder / "heapkit-tests", **SHORT)
    assert status == 0, output
