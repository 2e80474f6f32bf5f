# SPDX-License-Identifier: MIT
"""What a number was measured on; without it the number means nothing."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from pathlib import Path

import numpy as np

from benchmarks import program


def processor() -> str:
    """The processor's name as Linux gives it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.machine()


def commit() -> str:
    """Of the sources, with a + if they were changed since; empty outside of git."""
    command = ("git", "-C", str(program.ROOT), "describe", "--always", "--dirty=+")
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()


def machine() -> dict[str, object]:
    """Processor, cores, load, versions, commit and date, ready for JSON."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "compiler": program.flags(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "commit": commit(),
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
    }
