# SPDX-License-Identifier: MIT
"""The explorers in a real JupyterLab, moved with a real mouse."""

SMALL = 100_000

# A control to drag, how far, and the source whose columns follow it.
DRAGS = {
    "carveout": ("size", -60, "hk_gauges"),
    "pool": ("event", 120, None),
    "sync": ("buffer", 60, "hk_sync"),
}


def test_a_drag_changes_the_data_and_the_pixels(explorer):
    kind, notebook = explorer
    label, by, source = DRAGS[kind]
    notebook.picture(f"{kind}-before")
    before = notebook.pixels()
    data = source and notebook.data(source)
    notebook.drag(label, by)
    notebook.picture(f"{kind}-after")
    assert notebook.pixels() != before
    assert source is None or notebook.data(source) != data


def test_nothing_leaves_this_machine_and_nothing_complains(explorer):
    _, notebook = explorer
    assert notebook.outside == []
    assert notebook.complaints == []


def test_a_saved_notebook_is_small(explorer):
    _, notebook = explorer
    assert notebook.save() <= SMALL


def test_running_a_cell_again_keeps_the_number_of_documents(explorer):
    _, notebook = explorer
    before = notebook.documents()
    for _ in range(5):
        notebook.run_again(2)
        notebook.wait_for_picture()
    assert notebook.documents() == before


def test_the_browser_answers_every_picture(explorer):
    _, notebook = explorer
    notebook.execute("panel._coalescer.flush()")
    sent = int(notebook.execute("print(panel._coalescer.sent)"))
    notebook.wait_for("hk_seen", f"m.end === {sent}")
    notebook.page.wait_for_timeout(200)
    assert int(notebook.execute("print(panel._coalescer.seen)")) == sent


# The last one of a notebook: it ends the kernel that the others use.
def test_the_badge_tells_a_dead_kernel_and_a_new_run_recovers(explorer):
    kind, notebook = explorer
    badge = """() => getComputedStyle(
      document.querySelector('.hk-badge'), '::after').content"""
    assert "live" in notebook.page.evaluate(badge)
    notebook.restart_kernel()
    notebook.page.wait_for_function(f"() => ({badge})().includes('no kernel')")
    notebook.picture(f"{kind}-no-kernel")
    notebook.run_all()
    notebook.wait_for_picture()
    assert "live" in notebook.page.evaluate(badge)
    before = notebook.pixels()
    notebook.drag(*DRAGS[kind][:2])
    assert notebook.pixels() != before
