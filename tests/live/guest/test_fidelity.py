# SPDX-License-Identifier: MIT
"""Random requests to this kernel's heaps; tests/live/test_fidelity.py judges them."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REQUESTS = "10000"


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("cma", marks=pytest.mark.needs("CMA debugfs")),
        pytest.param("system", marks=pytest.mark.needs("kmem events")),
    ],
)
def test_random_requests_to_a_heap_are_recorded(kind, guest_output):
    # In a process of its own: the trace is of one, and so is what it may take.
    seed = os.environ.get("HEAPKIT_FIDELITY_SEED") or str(secrets.randbits(32))
    requests = os.environ.get("HEAPKIT_FIDELITY_REQUESTS") or REQUESTS
    recorder = [sys.executable, "-S", "-m", f"tests.live.fidelity.record_{kind}"]
    output = guest_output / "fidelity"
    output.mkdir(exist_ok=True)
    recorder += [str(output / f"{kind}.txt"), seed, requests]
    done = subprocess.run(recorder, cwd=ROOT, check=False)
    assert done.returncode == 0
