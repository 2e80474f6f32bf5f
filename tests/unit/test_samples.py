# SPDX-License-Identifier: MIT
"""The shipped data: found by name, described, and as described."""

import hashlib
import re
from pathlib import Path

import pytest

from heapkit.samples import sample, samples

DATA = Path(__file__).resolve().parents[2] / "data"
README = (DATA / "README.md").read_text()
CHECKSUMS = dict(
    reversed(line)
    for line in re.findall(r"^([0-9a-f]{64})  (\S+)$", README, re.MULTILINE)
)
ELSEWHERE = ("traces/", "captures/")
DESCRIBED_HERE = [name for name in samples() if not name.startswith(ELSEWHERE)]
CAPTURED = [name for name in samples() if name.startswith("captures/")]
CAPTURES = sorted((DATA / "captures").iterdir())


def test_sample_is_found_by_its_path():
    path = sample("devices/rv1106/rk_dma_heap_alloc_map_rv1106.txt")
    assert path.read_text().startswith("Alloc by (vmpi")


@pytest.mark.parametrize("name", ["cma_trace_16M.json", "cma_trace_16M"])
def test_sample_is_found_by_its_own_name(name):
    assert sample(name) == sample("kernel/cma_trace_16M.json")


def test_every_listed_sample_is_a_file_or_a_capture():
    for name in samples():
        path = sample(name)
        assert (path / "proc").is_dir() if name in CAPTURED else path.is_file()


def test_capture_is_one_sample_that_is_found_by_the_moment():
    assert sample("3_after_frees") == DATA / "captures/cma_64m/3_after_frees"
    assert CAPTURED[:2] == ["captures/cma_64m/1_idle", "captures/cma_64m/2_full"]


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.name)
def test_capture_is_described_and_as_it_was_made(capture):
    assert f"| `captures/{capture.name}/` |" in README
    sums = {}
    for line in (capture / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        sums[name] = digest
    files = {p.relative_to(capture).as_posix(): p for p in capture.rglob("*/*")}
    files = {name: path for name, path in files.items() if path.is_file()}
    assert sums == {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
    }


@pytest.mark.parametrize("name", ["nothing", "", "../README.md", "kernel", "README.md"])
def test_unknown_sample_is_refused_with_what_there_is(name):
    with pytest.raises(ValueError, match="is not a shipped file") as caught:
        sample(name)
    assert "kernel/cma_trace_16M.json" in str(caught.value)


def test_every_data_file_is_described_with_its_checksum():
    assert sorted(CHECKSUMS) == sorted(DESCRIBED_HERE)


@pytest.mark.parametrize("name", DESCRIBED_HERE)
def test_data_file_is_as_described(name):
    assert hashlib.sha256(sample(name).read_bytes()).hexdigest() == CHECKSUMS[name]
    assert f"| `{name}` |" in README


def test_description_names_origin_and_licence_of_each_file():
    for row in re.findall(r"^\| `.*$", README, re.MULTILINE):
        assert len([cell for cell in row.split("|") if cell.strip()]) == 4
