# SPDX-License-Identifier: MIT
"""What is shipped is complete: the sdist, the wheel from it, a replay from that."""

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Programs of the environment, cmake and ninja among them, are found by path.
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}",
}
REPLAY = """
import json
import heapkit as hk
from heapkit.samples import sample

trace = hk.workloads.camera_boot(seed=1)
run = hk.replay(trace, hk.Board.preset("phone-8g"))
found = sample("rk_dma_heap_alloc_map_rv1106.txt").exists()
print(json.dumps({"file": hk.__file__, "rows": len(run), "trace": len(trace),
                  "sample": found}))
"""


def run(*command, cwd):
    done = subprocess.run(
        command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def committed(folder):
    """The files of a folder that git knows; all of them in an unpacked sdist."""
    if (ROOT / ".git").exists():
        names = run("git", "ls-files", folder, cwd=ROOT).splitlines()
        return [name for name in names if (ROOT / name).exists()]
    found = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [str(p.relative_to(ROOT)) for p in found if "__pycache__" not in p.parts]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The folder with the sdist and the wheel that was built from it."""
    out = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT))
    run(sys.executable, *build, cwd=out)
    return out


@pytest.fixture(scope="module")
def sdist_names(packages):
    (path,) = packages.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


@pytest.fixture(scope="module")
def wheel(packages):
    (path,) = packages.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel_names(wheel):
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of an empty environment into which only the wheel was installed.

    Its dependencies are borrowed from this environment by a path file.
    """
    home = tmp_path_factory.mktemp("empty")
    run(sys.executable, "-m", "venv", "--without-pip", str(home), cwd=home)
    python = str(home / "bin/python")
    pip = ("-m", "pip", "--python", python, "install", "--no-deps", "--no-index")
    run(sys.executable, *pip, str(wheel), cwd=home)
    (site,) = home.glob("lib/python*/site-packages")
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


@pytest.mark.parametrize("folder", ["heapkit", "native", "notebooks", "tests", "data"])
def test_sdist_has_every_file_of_a_folder(sdist_names, folder):
    files = set(committed(folder))
    assert files
    assert files <= sdist_names


@pytest.mark.parametrize(
    "name", ["Makefile", "CMakeLists.txt", "LICENSE", ".ci/requirements.txt"]
)
def test_sdist_has_what_make_needs(sdist_names, name):
    assert name in sdist_names


def test_wheel_has_the_compiled_core(wheel_names):
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    assert f"heapkit/_native{suffix}" in wheel_names


def test_wheel_has_the_preload_library(wheel_names):
    assert "heapkit/_preload.so" in wheel_names


def test_wheel_has_its_types(wheel_names):
    assert "heapkit/py.typed" in wheel_names


def test_wheel_has_the_data(wheel_names):
    data = {f"heapkit/_data/{name.removeprefix('data/')}" for name in committed("data")}
    assert data
    assert data <= wheel_names


def test_wheel_has_every_module(wheel_names):
    modules = {str(p.relative_to(ROOT)) for p in (ROOT / "heapkit").rglob("*.py")}
    assert modules <= wheel_names


def test_wheel_has_nothing_but_the_package(wheel_names):
    tops = {name.partition("/")[0] for name in wheel_names}
    assert {top.partition("-")[0] for top in tops} == {"heapkit"}


def test_wheel_replays_a_trace_outside_the_repository(installed, tmp_path):
    answer = json.loads(run(installed, "-I", "-c", REPLAY, cwd=tmp_path))
    assert Path(answer["file"]).is_relative_to(Path(installed).parent.parent)
    assert answer["rows"] == answer["trace"] > 0
    assert answer["sample"]
