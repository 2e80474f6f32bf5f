# SPDX-License-Identifier: MIT
import copy
import dataclasses

import numpy as np
import pytest

import heapkit as hk
from heapkit import GiB, KiB, MiB
from heapkit.reserved_memory import devicetree_node


def bench(**changes):
    """The board of the public contract."""
    given = {
        "name": "bench",
        "memory": hk.Memory(total=8 * GiB),
        "heaps": (
            hk.SystemHeap(),
            hk.SystemHeap(name="system-pooled", pool=hk.PagePool(orders=(8, 4, 0))),
            hk.CmaHeap(name="default_cma_region", size=64 * MiB, alignment_order=8),
            hk.CarveoutHeap(
                name="camera", size=256 * MiB, base=0x8_0000_0000, fit="first"
            ),
            hk.ChunkHeap(name="video", size=128 * MiB, chunk=64 * KiB),
            hk.SecureHeap(name="protected,secure-video", size=64 * MiB),
        ),
    }
    return hk.Board(**{**given, **changes})


def board_of(*heaps, total=GiB, base=0):
    return hk.Board(name="b", memory=hk.Memory(total=total, base=base), heaps=heaps)


def test_the_contract_board_is_built_as_written():
    assert bench().heap_names == (
        *("system", "system-pooled", "default_cma_region", "camera", "video"),
        "protected,secure-video",
    )


def test_a_given_base_outside_memory_stands_alone():
    assert bench().heap("camera").base == 0x8_0000_0000


def test_a_cma_area_without_base_is_at_the_top_of_memory():
    area = bench().heap("default_cma_region")
    assert area.base + area.size == 8 * GiB


def test_two_cma_areas_are_stacked_from_the_top_in_order():
    board = board_of(hk.CmaHeap(name="a", size=MiB), hk.CmaHeap(name="b", size=MiB))
    assert board.heap("a").base == GiB - 2 * MiB
    assert board.heap("b").base == GiB - 4 * MiB


def test_a_cma_area_goes_below_a_given_region_at_the_top():
    top = hk.CarveoutHeap(name="top", size=16 * MiB, base=GiB - 16 * MiB)
    board = board_of(hk.CmaHeap(size=16 * MiB), top)
    assert board.heap("default_cma_region").base == GiB - 32 * MiB


def test_a_cma_area_uses_the_hole_between_two_regions_that_it_fits():
    low = hk.CarveoutHeap(name="low", size=4 * MiB)
    top = hk.CarveoutHeap(name="top", size=16 * MiB, base=GiB - 32 * MiB)
    board = board_of(hk.CmaHeap(size=16 * MiB), top, low)
    assert board.heap("default_cma_region").base == GiB - 16 * MiB


def test_regions_without_base_stand_one_after_another_above_memory():
    board = bench()
    video, secure = board.heap("video"), board.heap("protected,secure-video")
    assert video.base == 8 * GiB
    assert secure.base == video.base + video.size


def test_a_region_without_base_steps_over_a_given_one():
    given = hk.CarveoutHeap(name="given", size=MiB, base=GiB + 2 * MiB)
    board = board_of(given, hk.CarveoutHeap(name="free", size=4 * MiB))
    assert board.heap("free").base == GiB + 4 * MiB


def test_a_region_inside_memory_is_allowed():
    board = board_of(hk.CarveoutHeap(name="c", size=MiB, base=512 * MiB))
    assert board.heap("c").base == 512 * MiB


def test_regions_alone_need_no_memory():
    board = hk.Board(name="b", heaps=(hk.CarveoutHeap(name="c", size=MiB),))
    assert isinstance(board.heap("c").base, int)


@pytest.mark.parametrize("heap", [hk.SystemHeap(), hk.CmaHeap(size=MiB)])
def test_system_and_cma_heaps_without_memory_are_refused(heap):
    with pytest.raises(ValueError, match=rf"memory=None.*{heap.name}"):
        hk.Board(name="b", heaps=(heap,))


def test_overlapping_regions_are_refused_with_both_names_and_ranges():
    with pytest.raises(ValueError, match="overlaps") as caught:
        board_of(
            hk.CarveoutHeap(name="low", size=2 * MiB, base=4 * GiB),
            hk.ChunkHeap(name="high", size=MiB, base=4 * GiB + MiB),
        )
    assert "'low' [0x100000000-0x1001fffff]" in str(caught.value)
    assert "'high' [0x100100000-0x1001fffff]" in str(caught.value)


def test_adjacent_regions_do_not_overlap():
    board_of(
        hk.CarveoutHeap(name="low", size=MiB, base=4 * GiB),
        hk.CarveoutHeap(name="high", size=MiB, base=4 * GiB + MiB),
    )


def test_a_region_across_the_edge_of_memory_is_refused():
    with pytest.raises(ValueError, match=r"'edge'.*inside or outside 'memory'"):
        board_of(hk.CarveoutHeap(name="edge", size=2 * MiB, base=GiB - MiB))


def test_a_cma_area_outside_memory_is_refused():
    with pytest.raises(ValueError, match=r"'out'.*a CMA area inside 'memory'"):
        board_of(hk.CmaHeap(name="out", size=MiB, base=2 * GiB))


def test_a_cma_area_larger_than_memory_is_refused():
    with pytest.raises(ValueError, match=r"size=2147483648"):
        board_of(hk.CmaHeap(size=2 * GiB))


def test_duplicate_heap_names_are_refused():
    with pytest.raises(ValueError, match="heaps='system'; allowed: each name once"):
        board_of(hk.SystemHeap(), hk.SystemHeap())


def test_duplicate_device_names_are_refused():
    with pytest.raises(ValueError, match="devices='isp'"):
        bench(devices=(hk.Device("isp"), hk.Device("isp", coherent=True)))


def test_more_than_128_heaps_are_refused():
    heaps = [hk.CarveoutHeap(name=f"c{i}", size=4096) for i in range(129)]
    assert len(board_of(*heaps[:128]).heaps) == 128
    with pytest.raises(ValueError, match=r"129 of them.*at most 128"):
        board_of(*heaps)


@pytest.mark.parametrize("heaps", [(), "system", None, (hk.Device("isp"),), ("a",)])
def test_heaps_must_be_a_tuple_of_heaps(heaps):
    with pytest.raises(ValueError, match="heaps="):
        bench(heaps=heaps)


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", ""), ("name", 3), ("memory", 8 * GiB), ("costs", {}), ("devices", "x")],
)
def test_a_wrong_part_of_a_board_is_refused_by_name(field, value):
    with pytest.raises(ValueError, match=f"{field}="):
        bench(**{field: value})


NO_SIZE = [0, -4096, 1, 4097, 1.0, float("nan"), True, "4096", None, 1 << 60, 2**64]


@pytest.mark.parametrize("size", NO_SIZE)
@pytest.mark.parametrize(
    "make",
    [
        lambda size: hk.Memory(total=size),
        lambda size: hk.CmaHeap(size=size),
        lambda size: hk.CarveoutHeap(name="c", size=size),
        lambda size: hk.ChunkHeap(name="c", size=size),
        lambda size: hk.SecureHeap(name="c", size=size),
    ],
)
def test_a_bad_size_is_refused_with_argument_value_and_what_is_allowed(make, size):
    with pytest.raises(ValueError, match=r"(size|total)=.*; allowed: an integer") as e:
        make(size)
    assert repr(size) in str(e.value)


@pytest.mark.parametrize("base", [-4096, 5, 1.5, "0", True, 1 << 60])
def test_a_bad_base_is_refused(base):
    with pytest.raises(ValueError, match="base="):
        hk.CarveoutHeap(name="c", size=MiB, base=base)


def test_a_numpy_integer_is_a_size():
    assert hk.CmaHeap(size=np.int64(MiB)).size == MiB


def test_a_cma_area_of_whole_pages_but_no_whole_pageblock_is_accepted():
    assert board_of(hk.CmaHeap(size=5 * 4096, base=0x1000)).heaps[0].base == 0x1000


def test_a_cma_area_of_broken_bits_is_refused():
    with pytest.raises(ValueError, match="multiple of 16384"):
        hk.CmaHeap(size=3 * 4096, order_per_bit=2)


@pytest.mark.parametrize("name", ["", "a/b", "a|b", ".", "..", "a\0b", 7, None])
def test_a_name_that_cannot_be_a_heap_is_refused(name):
    with pytest.raises(ValueError, match="name="):
        hk.CarveoutHeap(name=name, size=MiB)


@pytest.mark.parametrize(
    "make",
    [
        lambda: hk.CarveoutHeap(name="c", size=MiB, fit="worst"),
        lambda: hk.SecureHeap(name="c", size=MiB, fit=None),
    ],
)
def test_an_unknown_fit_is_refused_with_the_known_ones(make):
    with pytest.raises(ValueError, match=r"fit=.*'first', 'best', 'first-align', 'ord"):
        make()


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        *(("align", 0), ("align", 12288), ("align", 2048), ("zero", "never")),
        *(("deferred_free", 1), ("retry_drained", None)),
    ],
)
def test_a_wrong_carveout_option_is_refused(argument, value):
    with pytest.raises(ValueError, match=f"{argument}={value!r}"):
        hk.CarveoutHeap(name="c", size=MiB, **{argument: value})


@pytest.mark.parametrize("chunk", [0, 3 * 4096, 1024, 2.0])
def test_a_chunk_that_is_no_power_of_two_of_pages_is_refused(chunk):
    with pytest.raises(ValueError, match="chunk="):
        hk.ChunkHeap(name="c", size=12 * MiB, chunk=chunk)


@pytest.mark.parametrize("orders", [(), (0, 4), (8, 8, 0), (11, 0), (8, 4), "840", 8])
def test_orders_that_no_system_heap_has_are_refused(orders):
    with pytest.raises(ValueError, match="orders="):
        hk.SystemHeap(orders=orders)


def test_a_pooled_heap_has_the_orders_of_its_pool():
    assert hk.SystemHeap(pool=hk.PagePool(orders=(9, 4, 0))).orders == (9, 4, 0)


def test_a_heap_and_a_pool_of_different_orders_are_refused():
    with pytest.raises(ValueError, match="orders="):
        hk.SystemHeap(orders=(5, 0), pool=hk.PagePool(orders=(9, 4, 0)))


def test_pool_marks_must_be_in_order():
    with pytest.raises(ValueError, match=r"low=.*at most fill"):
        hk.PagePool(fill=MiB, low=2 * MiB)
    with pytest.raises(ValueError, match=r"fill=.*at most limit"):
        hk.PagePool(fill=MiB, limit=64 * KiB)


@pytest.mark.parametrize("mark", ["fill", "low", "limit", "refill_defer_ns"])
@pytest.mark.parametrize("value", [-1, 1.5, float("nan"), True])
def test_a_wrong_pool_mark_is_refused(mark, value):
    with pytest.raises(ValueError, match=f"{mark}="):
        hk.PagePool(**{mark: value})


def test_qualcomm_marks_refill_all_orders_but_zero():
    pool = hk.PagePool(orders=(9, 4, 0), fill=100 * MiB)
    assert [pool.fill_of(o) for o in pool.orders] == [100 * MiB, 100 * MiB, 0]
    assert [pool.low_of(o) for o in pool.orders] == [40 * MiB, 40 * MiB, 0]


def test_min_free_defaults_to_the_kernels_formula():
    # sqrt(16 * 4 GiB / KiB) KiB = 8192 KiB
    assert board_of(hk.SystemHeap(), total=4 * GiB).memory.min_free == 8192 * KiB
    assert board_of(hk.SystemHeap(), total=MiB).memory.min_free == 128 * KiB


def test_a_board_is_immutable_hashable_and_equal_by_content():
    board = bench()
    with pytest.raises(AttributeError):
        board.name = "other"
    assert board == bench()
    assert hash(board) == hash(bench())
    assert board != board.replace({"camera.size": 64 * MiB})
    assert copy.deepcopy(board) == board


def test_an_unknown_heap_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"heap='nope'; allowed: one of .*'camera'"):
        bench().heap("nope")


def test_a_board_without_devices_has_any_plain_one():
    assert bench().device("isp") == hk.Device("isp")


def test_a_board_with_devices_has_no_other():
    board = bench(devices=(hk.Device("gpu", coherent=True),))
    assert board.device("gpu").coherent
    with pytest.raises(ValueError, match="device='isp'"):
        board.device("isp")


def test_replace_changes_a_heap_by_its_dotted_name():
    assert bench().replace({"camera.size": 64 * MiB}).heap("camera").size == 64 * MiB


def test_replace_places_anew_what_had_no_base():
    board = bench().replace({"video.size": 2 * MiB, "memory.total": 4 * GiB})
    assert board.heap("video").base == 4 * GiB
    assert board.heap("protected,secure-video").base == 4 * GiB + 2 * MiB
    assert board.heap("camera").base == 0x8_0000_0000
    assert board.memory.min_free == 8192 * KiB


def test_replace_reaches_into_a_pool():
    board = bench().replace(
        {"system-pooled.pool.low": 2 * MiB, "system-pooled.pool.fill": 8 * MiB}
    )
    assert board.heap("system-pooled").pool.low == 2 * MiB


@pytest.mark.parametrize("key", ["system-pooled.orders", "system-pooled.pool.orders"])
def test_replace_keeps_the_orders_of_heap_and_pool_together(key):
    heap = bench().replace({key: (9, 4, 0)}).heap("system-pooled")
    assert heap.orders == heap.pool.orders == (9, 4, 0)


def test_replace_can_give_and_take_a_pool():
    board = bench().replace({"system.pool": hk.PagePool(), "system-pooled.pool": None})
    assert board.heap("system").pool == hk.PagePool()
    assert board.heap("system-pooled").pool is None


def test_replace_understands_dots_and_commas_in_names():
    board = bench(
        heaps=(
            hk.CarveoutHeap(name="ff.rkisp", size=MiB),
            hk.CarveoutHeap(name="ff.rkisp.raw", size=MiB),
            hk.SecureHeap(name="protected,secure-video", size=MiB),
        )
    ).replace({"ff.rkisp.raw.size": 2 * MiB, "protected,secure-video.size": 4 * MiB})
    assert [heap.size for heap in board.heaps] == [MiB, 2 * MiB, 4 * MiB]


def test_replace_changes_devices_costs_and_whole_parts():
    board = bench(devices=(hk.Device("isp"),)).replace(
        {"isp.coherent": True, "costs.clean_line": 8, "name": "other"}
    )
    assert board.device("isp").coherent
    assert board.costs["clean_line"].value == 8
    assert board.name == "other"


@pytest.mark.parametrize(
    "key",
    [
        *("nope", "nope.size", "camera.nope", "camera.pool.fill", "system.pool.fill"),
        *("memory.nope", "costs.nope", "system-pooled.pool.nope", "heaps.0", "", 7),
    ],
)
def test_replace_refuses_an_unknown_key(key):
    with pytest.raises(ValueError, match="allowed"):
        bench().replace({key: 1})


def test_replace_refuses_memory_fields_of_a_board_without_memory():
    board = hk.Board(name="b", heaps=(hk.CarveoutHeap(name="c", size=MiB),))
    with pytest.raises(ValueError, match="memory=None"):
        board.replace({"memory.total": GiB})


def test_replace_refuses_a_bad_value_like_the_constructor():
    with pytest.raises(ValueError, match="size=0"):
        bench().replace({"camera.size": 0})


def test_value_reads_what_replace_changes():
    board = bench()
    assert board.value("camera.size") == 256 * MiB
    assert board.value("system-pooled.pool.fill") is None
    assert board.value("costs.line_bytes") == 64


def test_a_misspelt_owner_is_answered_with_those_there_are():
    with pytest.raises(ValueError, match=r"'camra.size'.*NAME.FIELD of .*'camera'"):
        hk.Board.preset("phone-8g").value("camra.size")


def test_the_repr_builds_an_equal_looking_board():
    text = repr(bench())
    assert "CarveoutHeap(name='camera'" in text
    assert "_given" not in text


def test_the_html_is_a_memory_map_by_address():
    shown = bench()._repr_html_()
    assert "<td>0x800000000-0x80fffffff</td><td>256 MiB</td>" in shown
    assert shown.index("default_cma_region") < shown.index("camera")


def test_the_html_escapes_names():
    board = hk.Board(name="<b>", heaps=(hk.CarveoutHeap(name="<i>", size=MiB),))
    assert "&lt;b&gt;" in board._repr_html_()
    assert "<i>" not in board._repr_html_()


def test_the_frame_has_a_row_per_heap():
    frame = bench().to_frame()
    assert frame["name"].tolist() == list(bench().heap_names)
    assert frame["size"].isna().tolist() == [True, True, False, False, False, False]


def test_a_board_can_be_simulated_whole():
    with hk.simulate(bench()) as heaps:
        assert list(heaps) == list(bench().heap_names)
        heaps.check()


# --- A CMA area in several ranges ---------------------------------------------


RANGES = ((40 * MiB, 8 * MiB), (8 * MiB, 4 * MiB), (16 * MiB, 16 * MiB))


def test_ranges_give_a_cma_heap_its_size_and_base():
    heap = hk.CmaHeap(ranges=RANGES)
    assert (heap.base, heap.size) == (8 * MiB, 28 * MiB)


def test_a_heap_with_ranges_can_be_replaced():
    heap = dataclasses.replace(hk.CmaHeap(ranges=RANGES), alignment_order=4)
    assert (heap.ranges, heap.alignment_order) == (RANGES, 4)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"ranges": 7}, "ranges=7"),
        ({"ranges": RANGES * 3}, "1 to 8 pairs"),
        ({"ranges": ((0, 4096, 1),)}, "pairs"),
        ({"ranges": ((1, 4096),)}, r"ranges\[0\] base=1;"),
        ({"ranges": ((0, 0),)}, r"ranges\[0\] size=0;"),
        ({"ranges": RANGES, "size": MiB}, "size=1048576"),
        ({"ranges": RANGES, "base": 0}, "base=0"),
        ({}, "size=0"),
    ],
)
def test_ranges_that_make_no_sense_are_refused(changes, named):
    with pytest.raises(ValueError, match=named):
        hk.CmaHeap(**changes)


def test_ranges_that_overlap_a_neighbour_or_themselves_are_refused():
    inside = hk.CarveoutHeap(name="c", size=MiB, base=20 * MiB)
    with pytest.raises(ValueError, match="overlaps"):
        board_of(hk.CmaHeap(ranges=RANGES), inside)
    with pytest.raises(ValueError, match="overlaps"):
        board_of(hk.CmaHeap(ranges=((0, 2 * MiB), (MiB, MiB))))


def test_what_is_placed_goes_between_the_ranges():
    area = hk.CmaHeap(ranges=((GiB - 8 * MiB, 8 * MiB), (GiB - 64 * MiB, 16 * MiB)))
    board = board_of(area, hk.CmaHeap(name="b", size=40 * MiB))
    assert board.heap("b").base == GiB - 48 * MiB


def test_a_snapshot_of_several_ranges_spans_them_and_leaves_the_gaps_out():
    board = board_of(hk.CmaHeap(name="cma", ranges=RANGES))
    with hk.simulate(board) as heaps:
        buffers = [heaps["cma"].allocate(size) for size in (4 * MiB, 6 * MiB)]
        layout = heaps["cma"].snapshot()
        assert [b.entries[0].address for b in buffers] == [40 * MiB, 16 * MiB]
        assert (layout.base, layout.size) == (8 * MiB, 40 * MiB)
        assert layout.free_bytes == 18 * MiB


def test_a_heap_in_several_ranges_is_no_device_tree_node():
    board = board_of(hk.CmaHeap(name="cma", ranges=RANGES))
    with pytest.raises(ValueError, match="3 ranges"):
        devicetree_node(board, "cma")
