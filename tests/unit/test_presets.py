# SPDX-License-Identifier: MIT
import pytest

import heapkit as hk
from heapkit import KiB, MiB

NAMES = ("phone-8g", "raspberry-pi-4g", "ip-camera-rv1106", "set-top-4k")


def test_the_four_boards_are_listed():
    assert hk.Board.presets() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_named_after_itself_and_can_be_simulated(name):
    board = hk.Board.preset(name)
    assert board.name == name
    with hk.simulate(board) as heaps:
        heaps.check()


@pytest.mark.parametrize("name", ["nope", "", None, 3])
def test_an_unknown_preset_is_refused_with_the_known_names(name):
    with pytest.raises(ValueError, match=r"allowed: one of .*'phone-8g'"):
        hk.Board.preset(name)


def test_the_phone_has_one_heap_of_each_kind_it_is_for():
    kinds = {heap.name: heap.kind for heap in hk.Board.preset("phone-8g").heaps}
    assert kinds == {
        "system": "system",
        "system-pooled": "system",
        "default_cma_region": "cma",
        "camera": "carveout",
        "protected,secure-video": "secure",
    }


def test_the_phones_carveout_holds_a_ring_of_16_raw10_frames():
    assert hk.Board.preset("phone-8g").heap("camera").size > 16 * hk.workloads.RAW10


def test_the_secure_regions_hold_4800_blocks_of_order_4():
    for name in ("phone-8g", "set-top-4k"):
        heap = hk.Board.preset(name).heap("protected,secure-video")
        assert heap.size == 4800 * 64 * KiB


def test_the_rv1106_area_holds_the_recorded_map():
    area = hk.Board.preset("ip-camera-rv1106").heap("rk-dma-heap-cma")
    assert area.base == 0x0280_0000
    assert area.base + area.size > 0x03E3_3FFF


def test_the_raspberry_pi_has_the_area_of_its_meminfo():
    area = hk.Board.preset("raspberry-pi-4g").heap("linux,cma")
    assert area.size == 524288 * KiB


def test_the_set_top_box_holds_a_4k_decoder_with_15_percent_to_spare():
    area = hk.Board.preset("set-top-4k").heap("default_cma_region")
    assert area.size == round(473 * 1.15) * MiB
