# SPDX-License-Identifier: MIT
"""The recorded reports, and the table of docs/conformance.md that is made of them."""

from pathlib import Path

import pytest

import heapkit as hk
from heapkit import MiB, conformance
from heapkit.conformance.side_by_side import markdown
from tests.unit.conformance.test_report import ROW, report_of

PAGE = Path(__file__).resolve().parents[3] / "docs/conformance.md"
KINDS = ("system", "cma", "udmabuf")
MARKS = ("<!-- begin of the table -->\n", "<!-- end of the table -->")
HEAPS = (
    hk.SystemHeap(),
    hk.CmaHeap(name="reserved", size=64 * MiB),
    hk.UdmabufHeap(),
)
STANDS_FOR = {"6.12 own": "6.12", "6.12 stock": "6.12 stock"}


@pytest.fixture(scope="module")
def board():
    return hk.Board(name="rig", memory=hk.Memory(total=512 * MiB), heaps=HEAPS)


@pytest.mark.parametrize("name", STANDS_FOR)
def test_simulation_answers_as_the_recorded_kernel_did(board, name):
    ours = conformance.run(board, kernel=STANDS_FOR[name], progress=False)
    found = conformance.compare(ours, conformance.recorded()[name])
    assert found.ok, str(found)
    assert found.counts()["same"] >= 200


@pytest.mark.parametrize("name", STANDS_FOR)
def test_recorded_report_is_ok_and_says_where_it_is_from(name):
    report = conformance.recorded()[name]
    assert report.ok, str(report)
    assert "QEMU" in report.origin
    assert report.counts()["not carried"] == 0


def test_recorded_reports_have_every_check(board):
    for report in conformance.recorded().values():
        for heap in report.heaps:
            kind = report.of(heap)[0].kind
            asked = [row.check for row in report.of(heap)]
            concerned = [
                c for c in conformance.CHECKS if not c.kinds or kind in c.kinds
            ]
            assert asked == [check.id for check in concerned]


def test_page_has_the_table_that_the_reports_make(board):
    """If it has not: python -m tests.unit.conformance.test_side_by_side."""
    begin, end = MARKS
    assert PAGE.read_text().partition(begin)[2].partition(end)[0] == table(board)


def test_table_marks_what_was_not_asked_and_escapes_bars():
    rows = report_of(
        ROW,
        *(
            type(ROW)(**{**_fields(ROW), "check": check, **told})
            for check, told in (
                ("b", {"answer": "ok a|b"}),
                ("c", {"answer": "", "verdict": "skip"}),
            )
        ),
    )
    lines = markdown({"here": rows, "there": report_of(ROW)}, ("system",)).splitlines()
    assert lines[0] == "| check | system, here | system, there |"
    assert lines[3:] == ["| `b` | ok a\\|b |  |", "| `c` | *skip* |  |"]


def _fields(row):
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}


def table(board):
    simulated = conformance.run(board, progress=False)
    return markdown({"simulated": simulated, **conformance.recorded()}, KINDS)


if __name__ == "__main__":
    begin, end = MARKS
    before, _, rest = PAGE.read_text().partition(begin)
    memory = hk.Memory(total=512 * MiB)
    made = table(hk.Board(name="rig", memory=memory, heaps=HEAPS))
    PAGE.write_text(f"{before}{begin}{made}{end}{rest.partition(end)[2]}")
