# SPDX-License-Identifier: MIT
"""Lines of ``trace_pipe``: what ftrace prints of an event, and of those it lost.

After the task, its number, the processor and five letters of state come the time,
the event's name and its fields (Documentation/trace/ftrace.rst)::

      cat-123     [000] .....   12.345678: cma_release: name=reserved pfn=0x…

The name of a task is any text; it may hold blanks and dashes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from heapkit.errors import FormatError

# The kernel's line is at most a page; what is longer is no line.
MAX_LINE = 4096

_LINE = re.compile(
    r"\s*(?P<task>\S.*?)-(?P<pid>\d{1,10})\s+"
    r"(?:\(\s*[-\d]+\)\s+)?"  # the thread group, with the option record-tgid
    r"\[(?P<cpu>\d{1,6})\]\s+(?:\S{4,6}\s+)?"
    r"(?P<s>\d{1,10})\.(?P<us>\d{6}):\s+(?P<event>\w{1,64}):(?: (?P<fields>.*))?",
    re.ASCII,
)
_LOST = re.compile(r"CPU:\d{1,6} \[LOST (?P<n>\d{1,18} )?EVENTS\]", re.ASCII)


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One event: its ``task`` and ``pid``, when by the trace clock, name and fields."""

    task: str
    pid: int
    time_ns: int
    event: str
    fields: str

    @property
    def process(self) -> str:
        """As ftrace prints it: ``cat-123``."""
        return f"{self.task}-{self.pid}"


def parse(line: str, *, path: object = None) -> TraceLine | int | None:
    """An event; the number of events that were lost; None for a blank or a comment.

    Where the kernel does not say how many were lost, it is at least one.
    :class:`FormatError` for anything else.
    """
    if not line.strip() or line.startswith("#"):
        return None
    # Longer than any line: a pattern would take long to find that it does not fit.
    match = _LINE.fullmatch(line) if len(line) <= MAX_LINE else None
    if match is not None:
        time_ns = (int(match["s"]) * 10**6 + int(match["us"])) * 1000
        fields = match["fields"] or ""
        event = match["event"]
        return TraceLine(match["task"], int(match["pid"]), time_ns, event, fields)
    if lost := _LOST.fullmatch(line[:MAX_LINE].strip()):
        return int(lost["n"] or 1)
    raise FormatError("expected a line of trace_pipe", path=path, line=1, text=line)
