# SPDX-License-Identifier: MIT
"""Which importer a file goes to, and what is said of a file for none."""

import inspect
import os

import pytest

from heapkit import importers
from heapkit.errors import FormatError
from heapkit.importers.text import MAX_TEXT
from heapkit.samples import sample
from heapkit.snapshot import Observation, Snapshot
from heapkit.trace import Trace

BECOMES = {
    "bufinfo_amdgpu_5_14": ("bufinfo", Observation),
    "bufinfo_aosp_libdmabufinfo_test": ("bufinfo", Observation),
    "bufinfo_etnaviv_2017": ("bufinfo", Observation),
    "bufinfo_sima_mla_fixture": ("bufinfo", Observation),
    "rk_dma_heap_alloc_map_rv1106": ("rk_dma_heap_alloc_map", Snapshot),
    "rk_dma_heap_info_rv1106": ("rk_dma_heap_info", Observation),
    "bitmap": ("cma_bitmap", Snapshot),
    "cma_trace_16M": ("cma_trace", Trace),
}


@pytest.mark.parametrize("name", BECOMES)
def test_sample_is_recognised_by_what_it_holds(tmp_path, name):
    copy = tmp_path / "x"
    copy.write_bytes(sample(name).read_bytes())
    assert isinstance(importers.read(copy), BECOMES[name][1])


@pytest.mark.parametrize("name", BECOMES)
def test_sample_is_recognised_by_one_importer_only(name):
    head = sample(name).read_bytes()[:65536]
    found = [i.name for i in importers._IMPORTERS if i.recognise(head)]
    assert found == [BECOMES[name][0]]


@pytest.mark.parametrize("name", BECOMES)
def test_format_can_be_named(name):
    format_name, kind = BECOMES[name]
    assert isinstance(importers.read(sample(name), format=format_name), kind)


def test_path_may_be_a_string():
    path = str(sample("bufinfo_etnaviv_2017"))
    assert len(importers.read(path).buffers) == 1


def test_formats_are_listed_with_one_line_each():
    for name, title in importers.formats().items():
        assert name.isidentifier()
        assert " -> " in title
        assert "\n" not in title


def test_importer_has_its_four_names():
    for importer in importers._IMPORTERS:
        assert inspect.signature(importer.recognise).parameters.keys() == {"head"}
        assert next(iter(inspect.signature(importer.read).parameters)) == "path"


def test_unknown_format_is_a_wrong_argument():
    with pytest.raises(ValueError, match=r"format: 'elf' is not one of .*bufinfo"):
        importers.read(sample("bitmap"), format="elf")


def test_format_that_the_file_is_not_is_refused():
    with pytest.raises(FormatError):
        importers.read(sample("bitmap"), format="bufinfo")


def test_foreign_text_is_refused_with_what_was_tried(tmp_path):
    path = tmp_path / "bufinfo.txt"
    path.write_text("\n# Shopping\n- milk\n")
    with pytest.raises(FormatError) as caught:
        importers.read(path)
    assert (caught.value.path, caught.value.line) == (path, 2)
    assert caught.value.text == "# Shopping"
    for name in importers.formats():
        assert name in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n\n", b" \t\r\n"])
@pytest.mark.parametrize("name", [None, *importers.formats()])
def test_empty_file_is_refused(tmp_path, content, name):
    path = tmp_path / "bufinfo"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        importers.read(path, format=name)


@pytest.mark.parametrize("content", [b"\x7fELF\0\0", bytes(range(256)), b"\xff\xfe\n"])
@pytest.mark.parametrize("name", [None, *importers.formats()])
def test_binary_file_is_refused(tmp_path, content, name):
    path = tmp_path / "bitmap"
    path.write_bytes(content)
    with pytest.raises(FormatError):
        importers.read(path, format=name)


def test_stray_byte_is_refused_with_its_line(tmp_path):
    path = tmp_path / "bufinfo"
    text = sample("bufinfo_etnaviv_2017").read_bytes()
    path.write_bytes(text.replace(b"gpu-subsystem", b"gpu-\xffsubsystem"))
    with pytest.raises(FormatError, match="not UTF-8") as caught:
        importers.read(path)
    assert caught.value.line == 6
    assert caught.value.text == "        gpu-\xffsubsystem"


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        importers.read(tmp_path / "nothing")


def test_directory_is_an_os_error(tmp_path):
    with pytest.raises(IsADirectoryError):
        importers.read(tmp_path)


def test_file_without_end_is_refused(tmp_path):
    path = tmp_path / "huge"
    path.write_bytes(b"Dma-buf Objects:\n")
    os.truncate(path, MAX_TEXT + 1)
    with pytest.raises(FormatError, match="larger than 64 MiB"):
        importers.read(path)
