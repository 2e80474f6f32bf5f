# SPDX-License-Identifier: MIT
"""docs/validation.md: the table, what was fitted on what, what stays assumed."""

from __future__ import annotations

from collections.abc import Sequence

from heapkit.costs import Cost, Costs
from heapkit.published import figures
from heapkit.units import format_ns
from heapkit.validation import gcma
from heapkit.validation.fit import Fit
from heapkit.validation.result import Row, Validation, markdown_table, shown

INTRODUCTION = """\
<!-- SPDX-License-Identifier: MIT -->
<!-- Written by `make docs`: change heapkit/validation/page.py instead. -->
# Validation

How far the model is from what others measured. Each line makes a published
measurement again: a board and a trace, replayed by the core, with the constants the
line names. `hk.validation.validate()` computes all of it; nothing is looked up.

- A **prediction** uses no figure of its own line in any fit it rests on. A **fit**
  does. This is worked out from the names of the figures, not said by hand. **Given**
  is what went into the trace.
- **Residual** is (model − published) ÷ published; of changes, percentage points.
- The **aim** is what the sources ask for: the range of a floor or of a loaded average,
  an order, 25 % of the face unlock and, where nothing else is said, 25 % too. A range
  can be met with a large residual, so read both. A missed aim stays in the table.

{summary}
"""
HEADINGS = (
    "## Targets",
    "## What falls short, and why",
    "## Fits",
    "## Every line",
    "## Constants that remain assumed",
    "## Constants with a source",
    "## Presets",
    "## Published figures",
)
PICTURE = """\
![Model over published, a point a figure](images/validation.png)

*One point a figure: at 100 % model and measurement agree; the grey lines are a half
and twice. Blue are predictions, orange fits.*
"""
SHORT = """\
**The loaded average does not carry over, not even within one table.** The two series
of the GCMA table ran on one machine; `migrate_page` from one is {v1:.0f} µs and from
the other {v2:.0f} µs. Small requests are worst: whether the first free place was
borrowed decides more than the number of pages, and the model has every page borrowed.

**The face unlock is predicted at {unlock}.** The pages alone, at {both:.0f} µs each,
would take {pages}; the mappings alone, at an assumed 100 ns, {mappings}. The phone
took 17.3 µs a page with all its mappings, less than the lowest loaded average of the
table. A migrated page on an idle phone is cheaper than on a 1 GHz Cortex-A9 under
`make -j16`; how much cheaper, no second source says. Either term alone would look
better than both: that would be choosing after the fact. The preset `phone-2021` is
fitted on this one allocation, and is therefore no prediction of it.

**Three choices were made after numbers had been seen.** The idle constants are the
line below CMA's minima; by least squares the three idle lines would be {otherwise},
and none would meet its aim. GCMA's minima got a call and a page of their own, because
CMA's page left them two thirds too short. And the number of pinned pages was kept at 2
when 0 and 8 were tried: the tail would then be {pins}, and miss both aims. The lines
that end in *instead* show them.

**The order is right, the distances are not equal.** For 32000 pages under load the
model says {cma} of CMA, {gcma} of GCMA and {carveout} of a carveout (whose search is
assumed and whose pages nobody touches). GCMA is near the carveout against CMA, and far
from it in itself: it visits every page.

**The tail is attempted, not explained.** A random occupancy and pinned pages spread
the model's times {tail:.1f} to 1 (largest to average). The published tail also has
pages in writeback, held locks and waiting for a CPU; none has a constant here.

**Small decoders are overestimated**, up to {decoder}: the counts of AMD's example are
those of AVC; that HEVC holds fewer is likely, but no source has its counts. 4K is
within the aim.

**The phone of 2016 is a story, not a measurement.** The report's sizes went into the
trace. What the model adds is what follows from them: freed memory that is not free,
and that comes back unzeroed as soon as anybody is short of it.

**Only ratios are known** of the barrier, of the zeroing by chunk, of mappings by
entry and of uncached reads: those constants stand in a published ratio to one that is
assumed, and say so.
"""
FIGURE_HEAD = ("figure", "value", "conditions", "source")


def markdown_page(result: Validation) -> str:
    """The whole page as Markdown."""
    parts = (
        INTRODUCTION.format(summary=_summary(result)),
        result.to_markdown(),
        _short(result) + "\n" + _notes(result),
        _fits(result.fits),
        PICTURE + "\n" + result.to_markdown(detail=True),
        _constants(_assumed()),
        _constants([c for c in Costs.default().values() if c.status != "assumed"]),
        _presets(),
        _figures(),
    )
    head, *rest = parts
    sections = (f"{h}\n\n{t.strip()}\n" for h, t in zip(HEADINGS, rest, strict=True))
    return head + "\n" + "\n".join(sections)


def _summary(result: Validation) -> str:
    kinds = {k: sum(r.kind == k for r in result.rows) for k in KINDS}
    met = len(result.aims) - len(result.missed)
    return (
        f"**{met} of {len(result.aims)} aims of predictions are met.** Of "
        f"{len(result.rows)} lines, {kinds['prediction']} are predictions, "
        f"{kinds['fit']} fits and {kinds['given']} given."
    )


def _short(result: Validation) -> str:
    order = {k.lower(): format_ns(v) for k, v in gcma.ranked(32000).items()}
    ns = {name: _migrate(gcma.machine(*s)) for name, s in _SERIES.items()}
    otherwise = [r for r in result.rows if r.what.endswith("squares instead")]
    pins = [r for r in result.rows if r.what.endswith("pins instead")]
    return SHORT.format(
        otherwise=", ".join(f"{r.residual:+.0%}" for r in otherwise),
        pins=" to ".join(f"{f(r.model for r in pins):.1f}" for f in (min, max)),
        **order,
        v1=ns["v1"],
        v2=ns["v2"],
        both=ns["both"],
        unlock=_model(result, "832 596 mappings"),
        pages=_model(result, "832 596 mappings, pages alone"),
        mappings=_model(result, "832 596 mappings, mappings alone"),
        tail=max(r.model for r in result.targets if r.what.startswith("tail")),
        decoder=f"{max(r.residual for r in result.rows if r.unit == 'MB'):+.0%}",
    )


KINDS = ("prediction", "fit", "given")
_SERIES = {"v1": ("v1",), "v2": ("v2",), "both": ("v1", "v2")}


def _migrate(machine: gcma.Machine) -> float:
    (found,) = machine.moving
    return float(found.value) / 1e3


def _model(result: Validation, end: str) -> str:
    (row,) = (row for row in result.rows if row.what.endswith(end))
    return f"{shown(row.model, row.unit)} ({row.residual:+.0%})"


def _notes(result: Validation) -> str:
    told: dict[str, list[Row]] = {}
    for row in result.rows:
        if row.note:
            told.setdefault(row.note, []).append(row)
    return "\n".join(
        f"- {rows[0].target}, {rows[0].what}: {note}." for note, rows in told.items()
    )


def _fits(fits: Sequence[Fit]) -> str:
    """Fits that differ only in the figure they leave out share a line."""
    groups: dict[tuple[str, str], list[Fit]] = {}
    for found in fits:
        groups.setdefault((found.constant, found.how), []).append(found)
    head = ("constant", "value", "one left out", "fitted on", "figures")
    told = (
        "Values are ns, of AMD's buffers bytes. *One left out*: the range over all "
        "fits that leave out one of the figures.\n\n"
    )
    lines = [_fit_line(same) for same in groups.values()]
    return told + markdown_table(head, lines, right={1, 2, 4})


def _fit_line(same: Sequence[Fit]) -> tuple[str, ...]:
    first = same[0]
    known = first.constant in Costs.default()
    return (
        f"`{first.constant}`" if known else first.constant,
        _range([f.value for f in same]),
        _range([*(f.low for f in same), *(f.high for f in same)]),
        first.how,
        str(len(first.on)),
    )


def _range(values: Sequence[float]) -> str:
    low, high = (f"{round(v):,}".replace(",", " ") for v in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _assumed() -> list[Cost]:
    return [c for c in Costs.default().values() if c.status == "assumed"]


def _constants(costs: Sequence[Cost]) -> str:
    head = ("constant", "value", "unit", "status", "source")
    lines = [(f"`{c.name}`", f"{c.value:g}", c.unit, c.status, c.source) for c in costs]
    return markdown_table(head, lines, right={1})


def _presets() -> str:
    default = Costs.default()
    lines = [
        (name, f"`{c.name}`", f"{c.value:g}", c.unit, c.status, c.source)
        for name in Costs.presets()
        for c in Costs.preset(name).values()
        if c != default[c.name]
    ]
    head = ("preset", "constant", "value", "unit", "status", "source")
    told = "`hk.Costs.preset(name)` changes these of the default, and nothing else.\n\n"
    return told + markdown_table(head, lines, right={2})


def _figures() -> str:
    lines = [
        (f.name, f"{f.value:g} {f.unit}", f.conditions, f.source)
        for f in figures().values()
    ]
    told = (
        "Single figures; the tables are in `data/published`, with their origins in "
        "`data/README.md`.\n\n"
    )
    return told + markdown_table(FIGURE_HEAD, lines)
