# SPDX-License-Identifier: MIT
"""Which kernels there are, and what the built one is made from."""

from __future__ import annotations

import threading

import pytest

from tests.live import features, kernel_build, kernels, machine
from tests.live.debian import RigError
from tests.live.kernel_build import differences, options


@pytest.fixture
def cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for variable in kernels.CHOSEN.values():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(kernels, "candidate", lambda package: "6.12.117-1")
    return kernels.cache()


@pytest.mark.parametrize("name", kernels.NAMES)
def test_a_chosen_kernel_is_booted_instead(monkeypatch, tmp_path, name):
    monkeypatch.setenv(kernels.CHOSEN[name], str(tmp_path / "image"))
    assert kernels.image(name) == tmp_path / "image"


def test_the_key_is_of_the_source_and_of_the_configuration():
    key = kernels.key("6.12.117-1", b"CONFIG_CMA=y\n")
    assert key == "6.12.117-1-" + key[-16:]
    assert key != kernels.key("6.12.117-1", b"CONFIG_CMA=n\n")
    assert key[-16:] == kernels.key("6.12.118-1", b"CONFIG_CMA=y\n")[-16:]


def test_a_built_kernel_is_found_in_the_cache(cache):
    kernels.own().write_bytes(b"ELF")
    assert kernels.image("cma") == kernels.own()
    assert kernels.own().parent == cache


def test_a_kernel_that_is_not_built_yet_is_told_with_the_way_to_get_it(cache):
    with pytest.raises(RigError, match=r"is cached: make live builds it$"):
        kernels.image("cma")


def test_a_kernel_of_another_source_is_not_booted_and_told(cache):
    (cache / "linux-cma-6.12.100-1-0123.vmlinux").write_bytes(b"ELF")
    with pytest.raises(RigError, match="1 of another source or configuration"):
        kernels.image("cma")


def test_a_kernel_that_is_there_is_not_built_again(cache):
    kernels.own().write_bytes(b"ELF")
    assert kernel_build.build(pytest.fail) == kernels.own()


def test_two_builds_at_once_make_one_kernel(cache, monkeypatch):
    started, built = threading.Barrier(2, timeout=30), []

    def build(scratch, kept, say):
        built.append(kept)
        kept.write_bytes(b"ELF")

    def one():
        started.wait()
        kernel_build.build(lambda text: None)

    monkeypatch.setattr(kernel_build, "_install", lambda say: None)
    monkeypatch.setattr(kernel_build, "_build", build)
    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [kernels.own()]


def test_a_build_that_fails_leaves_nothing_and_shows_its_last_words(cache, tmp_path):
    (tmp_path / "Makefile").write_text("vmlinux:\n\t@echo one; echo two >&2; exit 1\n")
    with pytest.raises(RigError, match=r"did not build(.|\n)*one\ntwo"):
        kernel_build._make(tmp_path, tmp_path / "log", print)
    assert not kernels.own().exists()


def test_an_option_the_source_does_not_know_is_named():
    asked = "CONFIG_CMA=y\nCONFIG_NEW=y\n# CONFIG_INET is not set\nCONFIG_OLD=n\n"
    assert differences(asked, "CONFIG_CMA=y\n") == ["CONFIG_NEW"]
    assert differences("CONFIG_OLD=n\n", "CONFIG_OLD=y\n") == ["CONFIG_OLD"]


def test_the_configuration_asks_for_what_the_rig_promises():
    config = options(kernels.CONFIG.read_text())
    promised = {
        "a system heap": "DMABUF_HEAPS_SYSTEM",
        "a CMA heap": "DMABUF_HEAPS_CMA",
        "udmabuf": "UDMABUF",
        "sync files": "SYNC_FILE",
        "bufinfo": "DEBUG_FS",
        "dma-buf statistics in sysfs": "DMABUF_SYSFS_STATS",
        "CMA debugfs": "CMA_DEBUGFS",
        "CMA sysfs": "CMA_SYSFS",
        "kmem events": "ENABLE_DEFAULT_TRACERS",
        "CMA events": "ENABLE_DEFAULT_TRACERS",
    }
    assert set(promised) == features.OFFERED["cma"]
    assert {o: config.get(f"CONFIG_{o}") for o in promised.values()} == dict.fromkeys(
        promised.values(), "y"
    )


def test_a_feature_that_a_kernel_offers_is_no_reason_to_skip():
    assert features.reason("a CMA heap") in features.expected_reasons("stock")
    assert features.reason("a CMA heap") not in features.expected_reasons("cma")


@pytest.mark.parametrize("name", kernels.NAMES)
def test_the_machine_boots_the_kernel_read_only_and_ends_with_it(tmp_path, name):
    image, out = tmp_path / "image", tmp_path / "out"
    line = machine.line(name, image, out, accel="tcg", sockets=tmp_path)
    assert line[line.index("-kernel") + 1] == str(image)
    arguments = line[line.index("-append") + 1].split()
    assert {"ro", "root=root", "panic=-1", f"heapkit.kernel={name}"} <= set(arguments)
    assert "-no-reboot" in line


def test_the_microvm_cannot_write_to_this_machines_root(tmp_path):
    out = tmp_path / "out"
    line = machine.line("cma", tmp_path / "image", out, sockets=tmp_path)
    shares = [word for word in line if word.startswith("local,")]
    assert [("path=/," in s, "readonly=on" in s) for s in shares] == [
        (True, True),
        (False, False),
    ]


def test_the_cma_kernel_is_told_how_large_its_area_is():
    assert "cma=64M" in machine.arguments("cma").split()
    assert "cma=" not in machine.arguments("stock")
