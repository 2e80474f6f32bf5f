# SPDX-License-Identifier: MIT
"""The native half, ``native/bench``: built as the extension is, and asked for JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
# The build tools that the environment locks come before the system's.
TOOLS = {
    **os.environ,
    "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
}


class WrongResult(Exception):
    """A contender's placement or gauge differs from another's of its rule."""


def _run(*command: str | Path) -> str:
    done = subprocess.run(  # noqa: S603 -- our own program
        command, env=TOOLS, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise WrongResult(f"{command[0]}: {done.stderr or done.stdout}")
    return done.stdout


@cache
def program() -> Path:
    """Build what changed."""
    configure = ("cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DHEAPKIT_BENCH=ON")
    _run(*configure)
    _run("cmake", "--build", BUILD)
    return BUILD / "heapkit-bench"


@cache
def flags() -> str:
    """The compiler and its flags, as CMake has them."""
    program()
    lines = (BUILD / "CMakeCache.txt").read_text().splitlines()
    entries = {
        key.partition(":")[0]: value
        for key, _, value in (line.partition("=") for line in lines)
    }
    compiler = _run(entries["CMAKE_C_COMPILER"], "--version").splitlines()[0]
    across = " -flto" if "-flto" in (BUILD / "build.ninja").read_text() else ""
    return f"{compiler} {entries['CMAKE_C_FLAGS_RELEASE']}{across}"


def ask(command: str, *arguments: str | Path, **options: float | str) -> Any:
    """What ``heapkit-bench COMMAND …`` answers; options are its ``--words``."""
    words = [
        word
        for name, value in options.items()
        for word in (f"--{name.replace('_', '-')}", str(value))
    ]
    return json.loads(_run(program(), command, *arguments, *words))
