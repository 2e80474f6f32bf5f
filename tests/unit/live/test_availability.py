# SPDX-License-Identifier: MIT
"""What is missing, in one sentence."""

from __future__ import annotations

import os
import sys

import pytest

import heapkit as hk
from heapkit.backends import availability, live


def test_a_kernel_without_heaps_is_named_in_one_sentence(tmp_path):
    reason = live.missing(tmp_path / "dma_heap")
    assert "CONFIG_DMABUF_HEAPS" in reason
    assert os.uname().release in reason


def test_an_empty_directory_names_the_options_that_fill_it(tmp_path):
    assert "CONFIG_DMABUF_HEAPS_SYSTEM" in live.missing(tmp_path)


def test_a_closed_node_names_its_owner_and_mode(kernel, monkeypatch):
    kernel.add("system")
    (kernel.directory / "system").chmod(0o600)
    monkeypatch.setattr(os, "access", lambda *_: False)
    reason = live.missing(kernel.directory)
    assert "mode 0600" in reason
    assert "udev" in reason


def test_a_node_open_to_a_group_names_the_group(kernel, monkeypatch):
    kernel.add("system")
    (kernel.directory / "system").chmod(0o640)
    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(availability, "_group_name", lambda _: "video")
    assert "join the group video" in live.missing(kernel.directory)


def test_ids_without_a_name_are_told_as_numbers():
    nobody_has = 2**31 - 7
    assert availability._user_name(nobody_has) == f"uid {nobody_has}"
    assert availability._group_name(nobody_has) == f"gid {nobody_has}"


def test_another_system_than_linux_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "darwin" in live.missing(tmp_path)


def test_nothing_is_missing_where_a_heap_can_be_opened(kernel):
    kernel.add("system")
    assert live.missing(kernel.directory) is None


def test_live_raises_the_same_sentence(tmp_path):
    with pytest.raises(hk.BackendUnavailable) as raised:
        live.live(tmp_path)
    assert str(raised.value) == live.missing(tmp_path)


# --- udmabuf


def test_a_kernel_without_udmabuf_is_named_in_one_sentence(tmp_path):
    reason = live.missing_udmabuf(tmp_path / "udmabuf")
    assert "CONFIG_UDMABUF" in reason
    assert os.uname().release in reason


def test_udmabuf_raises_the_same_sentence(tmp_path):
    with pytest.raises(hk.BackendUnavailable) as raised:
        hk.udmabuf(tmp_path / "udmabuf")
    assert str(raised.value) == live.missing_udmabuf(tmp_path / "udmabuf")


def test_a_closed_udmabuf_names_its_owner_and_rule(kernel, monkeypatch):
    kernel.add("udmabuf")
    (kernel.directory / "udmabuf").chmod(0o600)
    monkeypatch.setattr(os, "access", lambda *_: False)
    reason = live.missing_udmabuf(kernel.directory / "udmabuf")
    assert 'KERNEL=="udmabuf"' in reason


def test_another_system_than_linux_has_no_udmabuf(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "darwin" in live.missing_udmabuf(tmp_path)


def test_nothing_is_missing_where_udmabuf_can_be_opened(kernel):
    kernel.add("udmabuf")
    assert live.missing_udmabuf(kernel.directory / "udmabuf") is None
