# SPDX-License-Identifier: MIT
"""One explorer under the hands of a user: keys, buttons, windows, mistakes."""

import pytest

MIB = 2**20


def test_running_a_cell_again_shows_the_controls_as_they_were_left(carveout):
    notebook = carveout
    notebook.execute("panel.size.value = 128 * hk.MiB")
    notebook.wait_for("hk_strip_x", "m.end === 128 * 2 ** 20")
    notebook.run_again(2)
    notebook.wait_for_picture()
    assert notebook.model("hk_strip_x", "m.end") == 128 * MIB


def test_play_moves_the_cursor_and_pause_stops_it(carveout):
    notebook = carveout
    start = notebook.model("hk_cursor", "m.location")
    play = notebook.page.locator(".hk-explorer .widget-play button")
    play.first.click()
    notebook.wait_for("hk_cursor", f"m.location !== {start}")
    play.first.click()
    notebook.page.wait_for_timeout(800)
    stopped = notebook.model("hk_cursor", "m.location")
    notebook.page.wait_for_timeout(500)
    assert notebook.model("hk_cursor", "m.location") == stopped


def test_arrow_keys_step_the_event(carveout):
    notebook = carveout
    start = notebook.model("hk_cursor", "m.location")
    notebook.slider("event").locator(".noUi-handle").focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.wait_for("hk_cursor", f"m.location === {start + 1}")
    notebook.page.keyboard.press("ArrowLeft")
    notebook.wait_for("hk_cursor", f"m.location === {start}")


def test_the_page_map_is_a_picture_that_follows_the_event(carveout):
    notebook = carveout
    notebook.page.get_by_role("button", name="page map").click()
    image = notebook.page.locator(".hk-explorer img.hk-page-map").first
    image.wait_for(state="visible")
    notebook.page.wait_for_timeout(500)
    before = image.screenshot()
    notebook.drag("event", 150)
    assert image.screenshot() != before
    notebook.picture("carveout-page-map")


@pytest.mark.parametrize("width", [900, 1400])
def test_no_control_moves_when_another_one_changes(carveout, width):
    notebook = carveout
    notebook.page.set_viewport_size({"width": width, "height": 1180})
    notebook.page.wait_for_timeout(700)
    places = """() => [...document.querySelectorAll(
        '.hk-explorer .widget-inline-hbox, .hk-explorer .bk-Figure')]
      .map((e) => Math.round(e.getBoundingClientRect().top
        - document.querySelector('.hk-explorer').getBoundingClientRect().top))"""
    before = notebook.page.evaluate(places)
    notebook.drag("size", -80)
    notebook.drag("event", 90)
    notebook.picture(f"carveout-{width}")
    assert notebook.page.evaluate(places) == before
    notebook.page.set_viewport_size({"width": 1400, "height": 1180})


@pytest.mark.parametrize("width", [1000, 1200])
def test_no_fact_is_cut_in_a_narrow_window(carveout, width):
    notebook = carveout
    notebook.page.set_viewport_size({"width": width, "height": 1180})
    notebook.execute("panel.compare.value = True")
    notebook.page.locator(".hk-facts b:text-is('B')").wait_for(state="attached")
    notebook.page.wait_for_timeout(500)
    hidden = notebook.page.locator(".hk-facts").evaluate(
        "(e) => [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth]"
    )
    assert hidden == [0, 0]
    notebook.execute("panel.compare.value = False")
    notebook.page.set_viewport_size({"width": 1400, "height": 1180})


# The last one: the panel has no trace any more.
def test_a_mistake_is_told_in_the_status_line(carveout):
    notebook = carveout
    notebook.execute("import dataclasses\npanel.trace = None\npanel.fit.value = 'best'")
    told = notebook.page.locator(".hk-explorer [role=alert]")
    told.wait_for(state="visible")
    assert "Error" in told.inner_text()
