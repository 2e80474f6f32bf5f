# SPDX-License-Identifier: MIT
"""bufinfo in every generation, and what is refused."""

import pytest

from heapkit.errors import FormatError
from heapkit.importers import bufinfo
from heapkit.samples import sample

HEADER = "\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\tino\tname\n"
ROW = "00126976\t00000002\t02080007\t00000001\tsystem\t00000014\t<none>\n"
NO_DEVICES = "\tAttached Devices:\nTotal 0 devices attached\n\n"
END = "\nTotal 1 objects, 126976 bytes\n"


def buffer_of(row, *, header=HEADER, end=END):
    (buffer,) = bufinfo.parse(header + row + NO_DEVICES + end).buffers
    return buffer


def test_generation_of_2017_has_no_inode():
    (buffer,) = bufinfo.read(sample("bufinfo_etnaviv_2017")).buffers
    assert (buffer.size, buffer.exp_name, buffer.count) == (8_294_400, "drm", 5)
    assert (buffer.inode, buffer.name) == (None, None)
    assert buffer.fences == ("Exclusive fence: etnaviv 134000.gpu signalled",)
    assert buffer.attached == ("gpu-subsystem",)


def test_generation_of_5_14_has_inodes_and_shared_fences():
    seen = bufinfo.read(sample("bufinfo_amdgpu_5_14"))
    assert (len(seen.buffers), seen.total_bytes) == (9, 38_608_896)
    assert seen.buffers[0].inode == 415_409
    assert seen.buffers[0].mode == 0x80007
    assert sum(len(b.fences) for b in seen.buffers) == 6
    assert all(b.name is None and b.attached == () for b in seen.buffers)


def test_text_without_header_and_trailer_is_read():
    first, second = bufinfo.read(sample("bufinfo_aosp_libdmabufinfo_test")).buffers
    assert (first.size, first.inode, first.name) == (45_056, 22_069, None)
    assert (second.count, second.name) == (1, "CAMERA")
    assert second.attached == ("soc:qcom,cam_smmu:msm_cam_smmu_icp",)


def test_current_generation_has_names_and_heaps():
    seen = bufinfo.read(sample("bufinfo_sima_mla_fixture"))
    assert [b.name for b in seen.buffers] == [None, "weights", "input", "camera"]
    assert [b.exp_name for b in seen.buffers][:2] == ["linux,cma", "simaai,dms"]
    assert seen.buffers[3].attached == ("5100000.cvu",)
    assert seen.total_bytes == 3_674_112


def test_size_and_count_are_decimal_flags_and_mode_are_not():
    buffer = buffer_of(ROW.replace("\t00000001\t", "\t00000010\t"))
    assert (buffer.size, buffer.count) == (126_976, 10)
    assert (buffer.flags, buffer.mode) == (2, 0x02080007)


@pytest.mark.parametrize("separator", ["\t", "      "])
def test_names_may_hold_spaces(separator):
    row = ROW.replace("<none>", "front camera 12").replace("\t", separator)
    assert buffer_of(row).name == "front camera 12"


def test_exporter_may_hold_spaces():
    assert buffer_of(ROW.replace("system", "my heap")).exp_name == "my heap"


@pytest.mark.parametrize("name", ["<none>", "", "   "])
def test_buffer_without_name_has_none(name):
    assert buffer_of(ROW.replace("<none>", name)).name is None


def test_row_may_have_a_name_that_the_header_does_not_announce():
    header = HEADER.replace("\tname", "")
    assert buffer_of(ROW.replace("<none>", "left"), header=header).name == "left"


@pytest.mark.parametrize("kind", ["write", "read", "kernel", "bookkeep"])
def test_fences_of_new_kernels_are_kept_as_text(kind):
    fence = f"{kind} fence:amdgpu gfx_0.0.0 seq 5 unsignalled"
    text = HEADER + ROW + f"\t{fence}\n" + NO_DEVICES + END
    assert bufinfo.parse(text).buffers[0].fences == (fence,)


def test_machine_without_buffers_is_an_empty_observation():
    seen = bufinfo.parse(HEADER + "\nTotal 0 objects, 0 bytes\n")
    assert seen.buffers == ()


def test_lines_may_end_as_on_windows():
    text = (HEADER + ROW + NO_DEVICES + END).replace("\n", "\r\n")
    assert bufinfo.parse(text).total_bytes == 126_976


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("126976 bytes", "126977 bytes", "1 objects of 126976 bytes are listed"),
        ("Total 1 objects", "Total 2 objects", "1 objects of 126976 bytes"),
        ("Total 0 devices", "Total 3 devices", "0 devices are listed"),
        ("00126976\t", "0x126976\t", "expected a row of bufinfo"),
        ("00126976\t", "126976\t", "expected a row of bufinfo"),
        ("00126976\t", "99999999999999999999\t", "beyond any physical memory"),
        ("00126976\t", "-0126976\t", "expected a row of bufinfo"),
        ("\t00000014", "", "has no inode"),
        ("exp_name\tino", "exporter\tino", "expected the column heads"),
        ("\tAttached Devices:\n", "", "expected 'Attached Devices:'"),
        ("bytes\n", "bytes\nmore\n", "text after the end"),
        (END, "", "cut off"),
    ],
)
def test_what_does_not_agree_is_refused_with_its_line(old, new, message):
    text = (HEADER + ROW + NO_DEVICES + END).replace(old, new, 1)
    with pytest.raises(FormatError, match=message) as caught:
        bufinfo.parse(text, path="bufinfo.txt")
    assert caught.value.path == "bufinfo.txt"
    assert caught.value.text == text.split("\n")[caught.value.line - 1]


def test_second_row_must_be_of_the_same_generation():
    without = ROW.replace("\t00000014\t<none>", "")
    with pytest.raises(FormatError, match="unlike the header or the rows before"):
        bufinfo.parse(ROW + NO_DEVICES + without + NO_DEVICES)


def test_device_line_must_be_indented():
    text = ROW + "\tAttached Devices:\nisp\nTotal 1 devices attached\n"
    with pytest.raises(FormatError, match="expected a device"):
        bufinfo.parse(text)


def test_empty_text_is_not_a_machine_without_buffers():
    with pytest.raises(FormatError):
        bufinfo.parse("")
