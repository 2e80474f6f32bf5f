# SPDX-License-Identifier: MIT
"""The core built for a purpose: with sanitizers, for coverage, for another machine.

Every build has a folder of its own under ``build/``, where its objects stay, so that
the next run compiles what changed and nothing else. A warning is an error.
"""

import os
import subprocess
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The build tools that the environment locks come before the system's.
TOOLS = {
    **os.environ,
    "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
}
# All with asserts. A debug build checks every invariant after every event.
DEBUG = ("-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_C_FLAGS_DEBUG=-O1 -g")
PLAIN = ("-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O1 -g")
FAST = ("-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O2 -g")
SANITIZE = "-DHEAPKIT_SANITIZE=address,undefined"
# Where random sequences need not be long: a tenth of their length.
SHORT = {"HEAPKIT_TEST_SCALE": "0.1"}


def run(*command, cwd=None, **settings):
    """Exit status, and all that was printed; with ``settings`` in the environment."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=TOOLS | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def build(name, *options):
    """The folder of the build of that name, with what changed built anew."""
    folder = ROOT / "build" / name
    configure = ["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", *options]
    for command in (configure, ["cmake", "--build", folder]):
        status, output = run(*command)
        assert status == 0, output
    return folder
