# SPDX-License-Identifier: MIT
"""A notebook in a browser, as a person meets it."""

import zlib

import nbformat

RUN_S, DRAW_S = 90_000, 20_000

_READY = """() => {
  const panel = window.jupyterapp?.shell?.currentWidget
  return panel?.context?.path === NAME
    && panel.sessionContext?.session?.kernel?.status === 'idle'
    && document.querySelector('.jp-Notebook .jp-Cell') !== null
}"""
# A cell that fails leaves those after it without a number, for ever.
_DONE = """() => {
  const panel = window.jupyterapp.shell.currentWidget
  for (const cell of panel.content.model.cells) {
    if (cell.type !== 'code') continue
    const meant = cell.getMetadata('tags')?.includes('raises-exception')
    for (let i = 0; i < cell.outputs.length; i++)
      if (cell.outputs.get(i).type === 'error' && !meant) return true
    if (cell.executionCount === null) return false
  }
  return panel.sessionContext.session.kernel.status === 'idle'
}"""
_ERRORS = """() => {
  const found = []
  for (const cell of window.jupyterapp.shell.currentWidget.content.model.cells)
    for (let i = 0; i < (cell.outputs?.length ?? 0); i++) {
      if (cell.getMetadata('tags')?.includes('raises-exception')) continue
      const output = cell.outputs.get(i).toJSON()
      if (output.output_type === 'error')
        found.push(output.ename + ': ' + output.evalue)
    }
  return found
}"""
_MODEL = """() => {
  for (const document of [...(window.Bokeh?.documents ?? [])].reverse()) {
    const m = document.get_model_by_name(NAME)
    if (m) return EXPRESSION
  }
  return null
}"""


def write_notebook(path, cells):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)


class Notebook:
    """One notebook, open in the foreground of a Lab."""

    def __init__(self, page, address, path, pictures):
        self.page, self.path, self.pictures = page, path, pictures
        self.outside, self.complaints = [], []
        self._address = address
        self._url = f"{address}/lab/tree/{path.name}?reset"
        page.on("request", self._request)
        page.on("console", self._console)
        page.on("pageerror", self._page_error)
        self.reload()

    def reload(self):
        """Load the page, as after F5; a kernel that runs goes on."""
        self.page.goto(self._url, wait_until="domcontentloaded")
        ready = _READY.replace("NAME", repr(self.path.name))
        self.page.wait_for_function(ready, timeout=60_000)

    def close(self):
        for event, handler in (
            ("request", self._request),
            ("console", self._console),
            ("pageerror", self._page_error),
        ):
            self.page.remove_listener(event, handler)
        self.command("docmanager:save")
        self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()"
        )

    def _request(self, request):
        if not request.url.startswith((self._address, "data:", "blob:")):
            self.outside.append(request.url)

    def _console(self, message):
        if message.type == "error":
            self.complaints.append(message.text)

    def _page_error(self, error):
        self.complaints.append(str(error))

    def command(self, name):
        self.page.evaluate("(name) => window.jupyterapp.commands.execute(name)", name)

    def run_all(self):
        self.page.evaluate(
            "() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }"
        )
        self.page.wait_for_timeout(300)
        self.page.wait_for_function(_DONE, timeout=RUN_S)
        errors = self.page.evaluate(_ERRORS)
        assert errors == [], errors

    def run_again(self, index):
        """Select one cell and run it, as Ctrl+Enter does."""
        self.page.evaluate(
            """async (index) => {
              const panel = window.jupyterapp.shell.currentWidget
              panel.content.activeCellIndex = index
              await window.jupyterapp.commands.execute('notebook:run-cell')
            }""",
            index,
        )
        self.page.wait_for_function(_DONE, timeout=RUN_S)

    def execute(self, code):
        """Run code in the kernel, outside any cell; what it printed."""
        return self.page.evaluate(
            """async (code) => {
              const panel = window.jupyterapp.shell.currentWidget
              const future = panel.sessionContext.session.kernel.requestExecute({code})
              let text = ''
              future.onIOPub = (message) => { text += message.content.text ?? '' }
              await future.done
              return text
            }""",
            code,
        )

    def restart_kernel(self):
        self.page.evaluate(
            """() => window.jupyterapp.shell.currentWidget
                 .sessionContext.session.kernel.restart()"""
        )
        ready = _READY.replace("NAME", repr(self.path.name))
        self.page.wait_for_function(ready, timeout=RUN_S)

    def model(self, name, expression):
        """``expression`` of the newest Bokeh model ``m`` of that name."""
        code = _MODEL.replace("NAME", repr(name)).replace("EXPRESSION", expression)
        return self.page.evaluate(code)

    def wait_for(self, name, expression):
        """Until ``expression`` of that model holds."""
        code = _MODEL.replace("NAME", repr(name)).replace("EXPRESSION", expression)
        self.page.wait_for_function(code, timeout=DRAW_S)

    def wait_for_picture(self):
        self.page.wait_for_selector(".hk-figure .bk-Figure", timeout=DRAW_S)
        self.settle()

    def settle(self):
        """Until the browser has answered the last picture of the kernel."""
        self.wait_for("hk_seen", "m.end >= 0")
        self.page.wait_for_timeout(400)

    def documents(self):
        return self.page.evaluate("() => Bokeh.documents.length")

    def data(self, source):
        """A hash of all columns of a source."""
        expression = (
            "[...(m.data instanceof Map ? m.data : new Map(Object.entries(m.data)))]"
            ".map(([k, v]) => k + ':' + Array.from(v).join()).join(';')"
        )
        return zlib.crc32(self.model(source, expression).encode())

    def pixels(self):
        """A hash of what the figures of the panel look like."""
        return zlib.crc32(self.page.locator(".hk-figure").first.screenshot())

    def slider(self, label):
        return self.page.locator(
            f".hk-explorer .widget-slider:has(.widget-label:text-is('{label}'))"
        ).first

    def drag(self, label, by, steps=12):
        """Drag a slider's handle with the mouse, ``by`` pixels to the right."""
        handle = self.slider(label).locator(".noUi-handle")
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(x + by, y, steps=steps)
        self.page.mouse.up()
        self.page.wait_for_timeout(900)

    def save(self):
        self.command("docmanager:save")
        self.page.wait_for_function(
            "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
        )
        return self.path.stat().st_size

    def picture(self, name):
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=str(self.pictures / f"{name}.png"))
