# SPDX-License-Identifier: MIT
"""A machine to record."""

import pytest

from heapkit.recorder.session import Session, Told, now_ns
from tests.unit.recorder.fake import Machine


@pytest.fixture
def machine(tmp_path, monkeypatch):
    return Machine(tmp_path / "machine", monkeypatch)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "t.parquet"


@pytest.fixture
def session(machine, path):
    """A session over the machine, made when it is called and closed at the end."""
    made = []

    def open_it(**options):
        given = {"root": machine.root, "pages_order": None, "told": Told()}
        made.append(Session(path, **given | {"origin_ns": now_ns()} | options))
        return made[-1]

    yield open_it
    for one in made:
        one.close()
