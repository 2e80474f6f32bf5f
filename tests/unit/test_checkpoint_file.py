# SPDX-License-Identifier: MIT
"""A stopped replay as a file."""

import numpy as np
import pytest

import heapkit as hk
from heapkit import checkpoint_file


def arrays():
    return {"a": np.arange(50, dtype=np.uint64), "b": np.ones((3, 4), np.int64)}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "c"
    owner = {"trace": "t", "counts": [1, 2]}
    checkpoint_file.write(
        path, owner=owner, machine=b"machine", intake=b"", arrays=arrays()
    )
    return path


def test_a_checkpoint_comes_back_as_it_was_written(path):
    found = checkpoint_file.read(path)
    assert found.owner == {"trace": "t", "counts": [1, 2]}
    assert (found.machine, found.intake) == (b"machine", b"")
    empty = {name: np.zeros_like(array) for name, array in arrays().items()}
    found.fill(empty, path)
    for name, array in arrays().items():
        assert np.array_equal(empty[name], array)


def test_writing_replaces_the_file_whole(path):
    checkpoint_file.write(path, owner={}, machine=b"", intake=b"", arrays={})
    assert checkpoint_file.read(path).owner == {}
    assert [entry.name for entry in path.parent.iterdir()] == ["c"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint_file.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        checkpoint_file.write(path, owner={}, machine=b"", intake=b"", arrays={})
    assert checkpoint_file.read(path).machine == b"machine"
    assert [entry.name for entry in path.parent.iterdir()] == ["c"]


def test_a_folder_that_cannot_be_written_is_told_before_it_is_needed(tmp_path):
    with pytest.raises(OSError, match="no"):
        checkpoint_file.check_writable(tmp_path / "no" / "c")
    checkpoint_file.check_writable(tmp_path / "c")
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_cut_anywhere_is_refused(path):
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(hk.FormatError, match="c: "):
            checkpoint_file.read(path)


def test_a_changed_byte_anywhere_is_refused(path):
    content = path.read_bytes()
    for at in range(len(content)):
        spoilt = bytearray(content)
        spoilt[at] ^= 1
        path.write_bytes(spoilt)
        with pytest.raises(hk.FormatError):
            checkpoint_file.read(path)


def test_another_file_is_refused(path):
    path.write_bytes(b"PAR1" * 100)
    with pytest.raises(hk.FormatError, match="no checkpoint of a replay"):
        checkpoint_file.read(path)


@pytest.mark.parametrize(
    "target", [np.zeros(49, np.uint64), np.zeros(51, np.uint64), np.zeros(0)]
)
def test_arrays_of_another_size_are_another_version(path, target):
    found = checkpoint_file.read(path)
    with pytest.raises(hk.FormatError, match="another version"):
        found.fill({"a": target}, path)


def test_an_array_that_is_not_there_is_another_version(path):
    with pytest.raises(hk.FormatError, match="another version"):
        checkpoint_file.read(path).fill({"z": np.zeros(1)}, path)


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[]", b'{"owner": 1, "sections": {}}', b'{"sections": 3}']
)
def test_a_sound_file_that_says_something_else_is_another_version(path, line):
    import hashlib

    body = checkpoint_file.MAGIC + line + b"\n"
    path.write_bytes(body + hashlib.blake2b(body, digest_size=32).digest())
    with pytest.raises(hk.FormatError, match="another version"):
        checkpoint_file.read(path)
