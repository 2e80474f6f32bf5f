# SPDX-License-Identifier: MIT
"""The tests that run in the guests: one boot of each kernel, all suites in it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

from tests.live import boot, kernels
from tests.live.debian import RigError

OUTPUT = boot.REPOSITORY / "artefacts" / "live"
SUITES = ("tests/contract", "tests/live/guest")
TAIL = 4000  # characters of the console that are shown with a failure

# An emulator takes seconds to import what none of these tests uses. -k live leaves
# out the contract's tests of the simulation, which run on the host anyway.
PYTEST = [
    *("env", "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1"),
    *(sys.executable, "-m", "pytest", "-q", "--color=no", "-k", "live"),
    *("-p", "pytest_timeout", "-p", "no:cacheprovider", "-p", "no:doctest"),
    *("-o", "addopts=--import-mode=importlib --strict-markers", "-o", "timeout=300"),
    *("-o", "junit_family=xunit1"),  # the one with a test's own properties
    *SUITES,
]


@dataclass(frozen=True)
class Outcome:
    """Of one test: ``kind`` is passed, failure, error or skipped."""

    kind: str
    message: str = ""
    text: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}\n{self.text}"


class Visit:
    """What the suites left behind on one kernel."""

    def __init__(self, kernel: str, result: boot.Result) -> None:
        self.kernel = kernel
        self.result = result

    @property
    def output(self) -> Path:
        """The directory that was HEAPKIT_GUEST_OUTPUT in the guest."""
        return self.result.output

    @property
    def last_words(self) -> str:
        """The end of what the guest printed."""
        return f"on {self.kernel}:\n{self.result.console[-TAIL:]}"

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """Of each test that ran, by "module::name"."""
        report = self.output / "junit.xml"
        assert report.exists(), self.last_words
        cases = ET.parse(report).iter("testcase")  # noqa: S314 -- our guest wrote it
        return {f"{c.get('classname')}::{c.get('name')}": _outcome(c) for c in cases}


def _outcome(case: ET.Element) -> Outcome:
    for child in case:
        if child.tag in ("failure", "error", "skipped"):
            return Outcome(child.tag, child.get("message", ""), child.text or "")
    return Outcome("passed")


class Guests:
    """The guests of one session. They run side by side while other tests run here."""

    def __init__(self) -> None:
        self._running: dict[str, boot.Guest] = {}
        self._refused: dict[str, str] = {}
        self._visits: dict[str, Visit] = {}
        self._lock: IO[str] | None = None

    def start(self) -> None:
        """Boot each kernel that this machine has; what it lacks is said by visit()."""
        OUTPUT.mkdir(parents=True, exist_ok=True)
        self._lock = (OUTPUT / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            busy = "another session runs the guests of this checkout"
            self._refused = dict.fromkeys(kernels.NAMES, busy)
            return
        compile_tests()
        for name in kernels.NAMES:
            self._boot(name)

    def _boot(self, name: str) -> None:
        if reason := boot.missing(name):
            self._refused[name] = reason
            return
        output = OUTPUT / name
        shutil.rmtree(output, ignore_errors=True)
        command = ["env", *_settings(), *PYTEST, "--junitxml=/mnt/junit.xml"]
        accel = boot.accelerator(name)
        try:
            self._running[name] = boot.Guest(name, command, output, accel=accel)
        except RigError as error:
            self._refused[name] = str(error)

    def refusal(self, name: str) -> str | None:
        """Why ``name`` was not booted, in one sentence."""
        return self._refused.get(name)

    def visit(self, name: str) -> Visit:
        """What is left of the guest, when it has ended."""
        if name not in self._visits:
            self._visits[name] = Visit(name, self._running[name].wait())
        return self._visits[name]

    def end(self) -> None:
        """End what still runs."""
        for guest in self._running.values():
            guest.end()
        if self._lock:
            self._lock.close()


def _settings() -> list[str]:
    """What somebody who repeats a run of the fidelity suite has set, for env(1)."""
    chosen = (n for n in os.environ if n.startswith("HEAPKIT_FIDELITY_"))
    return [f"{name}={os.environ[name]}" for name in chosen]


def compile_tests() -> None:
    """Have pytest compile the tests here: its rewriting of asserts is slow in a guest.

    It keeps what it has compiled beside the tests, where the guest only reads. What
    cannot be collected without heaps is compiled before it fails.
    """
    environment = {**os.environ, "HEAPKIT_LIVE_GUEST": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [*PYTEST, "--collect-only", "-qq"],
        cwd=boot.REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    packages = [str(boot.REPOSITORY / "heapkit")]
    subprocess.run([sys.executable, "-m", "compileall", "-qq", *packages], check=False)


def passed(visit: Visit, suite: str) -> Iterator[str]:
    """The tests of a suite (the beginning of their names) that passed."""
    for test, outcome in visit.outcomes.items():
        if test.startswith(suite) and outcome.kind == "passed":
            yield test
