# SPDX-License-Identifier: MIT
"""A recording to look at while it runs, of a machine that is made up."""

import pytest

from tests.ui.lab import Notebook, write_notebook

# What the kernel would do: a directory in instances/ is full of files at once.
MACHINE = """
import threading, time
from pathlib import Path
import heapkit as hk
from heapkit.recorder import tracefs
hk.notebook.init()
root = Path("machine").resolve()
for name in ("instances", "events"):
    (root / "sys/kernel/tracing" / name).mkdir(parents=True)
(root / "proc").mkdir()
area = root / "sys/kernel/debug/cma/reserved"
area.mkdir(parents=True)
(area / "count").write_text("16384")

def used(pages):
    (area / "new").write_text(str(pages))
    (area / "new").replace(area / "used")  # nobody sees it half written

used(0)

def make(instances):
    new = instances / "heapkit-1"
    for event in ("cma/cma_alloc_finish", "cma/cma_release"):
        (new / "events" / event).mkdir(parents=True)
        (new / "events" / event / "enable").touch()
    for name in ("trace_clock", "tracing_on", "trace_pipe"):
        (new / name).touch()
    return new

ended = []
def remove(instance):
    ended.append(instance)
    instance.rename(instance.parent.parent / f"removed-{len(ended)}")

tracefs.make, tracefs.remove = make, remove
pipe = root / "sys/kernel/tracing/instances/heapkit-1/trace_pipe"

def ask(event, pfn, pages, tail=""):
    head = f"camera-77 [000] ..... {time.monotonic():.6f}: {event}: name=reserved"
    with pipe.open("r+") as file:
        file.seek(0, 2)
        file.write(f"{head} pfn={pfn:#x} page=ab count={pages}{tail}\\n")

def camera():
    held = []
    for frame in range(10**6):
        time.sleep(0.02)
        try:
            ask("cma_alloc_finish", 0x1000 + 1000 * frame, 760, " align=0 errorno=0")
            held.append(0x1000 + 1000 * frame)
            while len(held) > 4 + 6 * (frame // 50 % 3):
                ask("cma_release", held.pop(0), 760)
            used(760 * len(held))
        except FileNotFoundError:
            held = []
threading.Thread(target=camera, daemon=True).start()
"""
RECORD = "recording = hk.record('live.parquet', interval=0.05, root=root)"
POINTS = "(m.data.time ?? m.data.get('time')).length"


@pytest.fixture(scope="module")
def live(window, lab, pictures):
    pictures.mkdir(parents=True, exist_ok=True)
    address, folder = lab
    path = folder / "live.ipynb"
    write_notebook(path, [MACHINE, RECORD, "panel = hk.explore.live(recording)\npanel"])
    notebook = Notebook(window, address, path, pictures)
    notebook.run_all()
    notebook.wait_for_picture()
    yield notebook
    notebook.execute("recording.stop()")
    notebook.close()


def press(notebook, label):
    notebook.page.locator(f".hk-explorer button:text-is('{label}')").click()


def says(notebook, text):
    notebook.page.wait_for_selector(f".hk-explorer :text('{text}')", timeout=10_000)


def picture(notebook, name):
    panel = notebook.page.locator(".hk-explorer")
    panel.screenshot(path=str(notebook.pictures / f"{name}.png"))


def points(notebook):
    return notebook.model("hk_live", POINTS)


def test_points_arrive_until_it_is_stopped_and_again_when_it_goes_on(live):
    live.wait_for("hk_live", f"{POINTS} > 40")
    picture(live, "live")
    press(live, "stop")
    says(live, "stopped")
    live.settle()
    before = points(live)
    live.page.wait_for_timeout(500)
    assert points(live) == before
    picture(live, "live-stopped")
    press(live, "resume")
    live.wait_for("hk_live", f"{POINTS} > {before + 10}")
    says(live, "running")
    picture(live, "live-resumed")
    assert live.complaints == live.outside == []
