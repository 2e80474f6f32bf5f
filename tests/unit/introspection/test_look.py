# SPDX-License-Identifier: MIT
"""One look at everything: merged rows, sources, disagreements, captures."""

import json

import pytest

import heapkit as hk
from heapkit import KiB, MiB
from heapkit.errors import FormatError
from heapkit.introspection import tables
from heapkit.introspection.source import MOUNT_DEBUGFS
from heapkit.introspection.tree import Tree
from tests.unit.introspection.texts import bufinfo, fdinfo, maps

BUFINFO = "sys/kernel/debug/dma_buf/bufinfo"
CAPTURE = hk.sample("captures/cma_64m/3_after_frees")


def held(*pids, inode=14, size=12_288, **fields):
    """Processes that hold one buffer by a descriptor."""
    files = {}
    for pid in pids:
        files[f"proc/{pid}/comm"] = f"client {pid}\n"
        files[f"proc/{pid}/fdinfo/3"] = fdinfo(inode, size, **fields)
    return files


def only(look):
    (buffer,) = look.buffers
    return buffer


def test_buffer_of_several_sources_is_one_row(machine):
    files = held(7) | {BUFINFO: bufinfo((12_288, 1, "system", 14, "<none>"))}
    buffer = only(hk.introspect(machine(files)))
    assert buffer.sources == ("bufinfo", "fdinfo")
    assert buffer.said["size"] == {"bufinfo": 12_288, "fdinfo": 12_288}
    assert buffer.disagreements == ()


def test_pss_is_the_size_by_the_number_of_processes_rounded_down(machine):
    files = held(7, 8, 9, size=20_000)
    files["proc/9/fdinfo/4"] = fdinfo(14, 20_000)
    files["proc/9/maps"] = maps(14, 4096)
    look = hk.introspect(machine(files))
    buffer = only(look)
    assert (buffer.pss, buffer.rss) == (20_000 // 3, 60_000)
    assert [(p.pid, p.rss, p.pss) for p in look.processes] == [
        (pid, 20_000, 6666) for pid in (7, 8, 9)
    ]


def test_buffer_that_is_mapped_and_closed_is_seen(machine):
    files = {"proc/7/comm": "x\n", "proc/7/maps": maps(14, 8192, name="left")}
    buffer = only(hk.introspect(machine(files)))
    assert (buffer.size, buffer.name, buffer.source_of("size")) == (
        8192,
        "left",
        "maps",
    )
    assert buffer.holders[0].maps == (8192,)


def test_mapping_of_a_part_is_no_disagreement(machine):
    files = held(7) | {"proc/7/maps": maps(14, 4096)}
    assert only(hk.introspect(machine(files))).disagreements == ()


def test_sources_that_disagree_are_told(machine):
    files = held(7, count=2) | {BUFINFO: bufinfo((4096, 1, "system", 14, "<none>"))}
    buffer = only(hk.introspect(machine(files)))
    assert buffer.size == 4096
    assert buffer.disagreements == (
        "size: 4096 (bufinfo), 12288 (fdinfo)",
        "count: 1 (bufinfo), 2 (fdinfo)",
    )


def test_buffer_that_a_list_of_all_does_not_have_is_told(machine):
    files = held(7) | {BUFINFO: bufinfo()}
    (told,) = only(hk.introspect(machine(files))).disagreements
    assert told.startswith("not in bufinfo: it came or went")


def test_buffer_that_no_process_holds_is_the_kernels(machine):
    files = held(7) | {
        BUFINFO: bufinfo((4096, 2, "drm", 15, "<none>"), (12_288, 1, "system", 14, "a"))
    }
    (buffer,) = hk.introspect(machine(files)).kernel_only
    assert (buffer.exp_name, buffer.pss, buffer.rss) == ("drm", 0, 0)


def test_old_bufinfo_without_inodes_is_a_row_each(machine):
    text = hk.sample("bufinfo_etnaviv_2017").read_bytes()
    buffer = only(hk.introspect(machine({BUFINFO: text, "proc/version": ""})))
    assert (buffer.inode, buffer.size) == (None, 8_294_400)


def test_what_is_absent_names_the_option_or_the_mount(machine):
    look = hk.introspect(machine({"proc/version": ""}))
    assert look.source("bufinfo").remedy == MOUNT_DEBUGFS
    assert look.source("cma_sysfs").remedy == "CONFIG_CMA_SYSFS"
    (look._tree.root / "sys/kernel/debug/clk").mkdir(parents=True)
    assert hk.introspect(look._tree.root).source("cma").remedy == "CONFIG_CMA_DEBUGFS"


def test_what_is_denied_says_what_would_be_gained(machine, monkeypatch):
    raw = Tree.raw

    def deny(tree, name):
        if "pagetypeinfo" in name:
            raise PermissionError(13, "Permission denied")
        return raw(tree, name)

    monkeypatch.setattr(Tree, "raw", deny)
    source = hk.introspect(machine({"proc/version": ""})).source("pagetypeinfo")
    assert source.status == "denied"
    assert source.remedy == "sudo heapkit introspect"
    assert "movable" in source.gives


def test_malformed_text_is_refused_with_its_line(machine):
    root = machine({"proc/buddyinfo": "Node 0, zone DMA 1 2\nnonsense\n"})
    with pytest.raises(FormatError, match="buddyinfo:2: expected Node"):
        hk.introspect(root)


def test_malformed_source_is_passed_over_and_told_if_asked(machine):
    root = machine({"proc/buddyinfo": "nonsense\n", "proc/meminfo": "MemFree: 4 kB\n"})
    look = hk.introspect(root, strict=False)
    assert look.source("buddyinfo").status == "malformed"
    assert "buddyinfo:1: expected Node" in look.source("buddyinfo").why
    assert look.meminfo == {"MemFree": 4 * KiB}


def test_root_without_proc_is_a_wrong_argument(tmp_path):
    with pytest.raises(ValueError, match=r"root=.*allowed: a directory with a .proc."):
        hk.introspect(tmp_path)


def test_unknown_source_is_named():
    with pytest.raises(ValueError, match="name='dmesg'; allowed: fdinfo, maps"):
        hk.introspect(CAPTURE).source("dmesg")


def test_running_machine_is_looked_at_without_root():
    look = hk.introspect()
    assert look.meminfo["MemTotal"] > 0
    assert look.kernel
    assert look.source("fdinfo").status == "read"


def test_capture_of_a_real_kernel_is_opened_elsewhere():
    look = hk.introspect(CAPTURE)
    assert look.kernel == "6.12.117"
    assert [p.comm for p in look.processes] == ["camera (hal)", "display", "encoder"]
    area = look.cma["reserved"]
    assert (area.size, area.used_bytes) == (64 * MiB, look.total_bytes)
    assert area.attributes["differs"] == ""
    assert area.attributes["used"] == area.used_bytes // (4 * KiB)
    assert not any(buffer.disagreements for buffer in look.buffers)


def test_region_is_named_only_where_its_size_is_of_one_buffer():
    area = hk.introspect(CAPTURE).cma["reserved"]
    named = {region.size: region.owner for region in area.regions if region.owner}
    assert named == {256 * KiB: "stats 32 (camera (hal))"}
    assert area.attributes["owners"].startswith("guessed by size")


def test_capture_round_trips_with_what_was_missing(tmp_path):
    look = hk.introspect(CAPTURE)
    look.capture(tmp_path / "again")
    again = hk.introspect(tmp_path / "again")
    assert again.to_frame().equals(look.to_frame())
    assert again.sources == look.sources
    assert again.source("pools").status == "absent"


def test_capture_does_not_write_over_anything(tmp_path):
    with pytest.raises(FileExistsError):
        hk.introspect(CAPTURE).capture(tmp_path)


def test_note_of_a_capture_that_is_none_is_refused(machine):
    root = machine({"proc/version": "", "capture.json": '{"missing": {"a": 1}}'})
    with pytest.raises(FormatError, match="no note of a capture"):
        hk.introspect(root)


def test_frame_has_a_source_beside_each_number():
    frame = hk.introspect(CAPTURE).to_frame()
    assert (frame["size_source"] == "bufinfo").all()
    assert frame["size"].sum() == hk.introspect(CAPTURE).total_bytes
    assert frame["pids"].map(len).max() == 2


def test_frame_without_buffers_has_its_columns(machine):
    frame = hk.introspect(machine({"proc/version": ""})).to_frame()
    assert len(frame) == 0
    assert {"size", "size_source", "pss"} <= set(frame)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a\nb", "\x1b[2J", "&"])
def test_hostile_name_is_harmless_in_html_and_in_json(machine, name):
    look = hk.introspect(machine(held(7, name=name)))
    html = look._repr_html_()
    assert "<script>" not in html
    assert "\x1b" not in html
    assert only(look).name == name
    told = json.loads(json.dumps(tables.facts(look)))
    assert told["buffers"][0]["name"] == name


def test_repr_says_how_much_was_read():
    assert repr(hk.introspect(CAPTURE)) == (
        "<Introspection of Linux 6.12.117: 12 buffers, 26.38 MiB; 1 CMA areas; "
        "10 of 12 sources read>"
    )
