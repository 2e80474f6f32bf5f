# SPDX-License-Identifier: MIT
"""Whether each heap of the running kernel answers as the data expects of it.

What they answered stays in the guest's output, where tests/live/test_conformance.py
compares it with the simulation.
"""

from __future__ import annotations

import pytest

from heapkit import conformance
from heapkit.backends import live


def kept(report, guest_output, name):
    """The report, which the host reads, too."""
    folder = guest_output / "conformance"
    folder.mkdir(exist_ok=True)
    report.write(folder / f"{name}.json")
    return report


def test_a_real_heap_answers_as_it_should(heaps, heap_name, guest_output):
    report = conformance.run(heaps, heap_name, progress=False)
    kept(report, guest_output, heap_name)
    assert report.ok, str(report)
    assert report.counts()["not carried"] == 0


@pytest.mark.needs("udmabuf")
def test_memfds_answer_as_they_should(guest_output):
    with live.udmabuf() as heap:
        report = conformance.run(heap, progress=False)
    kept(report, guest_output, "udmabuf")
    assert report.ok, str(report)
    assert report.counts()["not carried"] == 0


@pytest.mark.needs("a CMA heap")
def test_too_much_is_told_by_a_region(heaps):
    region = next(name for name in heaps if name != "system")
    report = conformance.run(
        heaps, region, checks="alloc.len.too_large", dangerous=True, progress=False
    )
    assert [row.answer for row in report] == ["ENOMEM"]


def test_nothing_of_it_stays_open(heaps, heap_name):
    subject = conformance.live_subject.LiveSubject(heaps[heap_name], heaps)
    before = subject.numbers()
    conformance.run(heaps, heap_name, checks="command.*", progress=False)
    assert subject.numbers() == before
