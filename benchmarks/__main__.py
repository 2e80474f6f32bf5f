# SPDX-License-Identifier: MIT
"""``python -m benchmarks``: measure, and say on what. Exit status 1: wrong results."""

from __future__ import annotations

import argparse
import json
import os
import sys

from benchmarks import everything, page, report
from benchmarks.machine import machine
from benchmarks.plan import Plan
from benchmarks.program import WrongResult
from benchmarks.traces import KINDS

ARGUMENTS = ("rounds", "quick", "only", "trace")


def main() -> int:
    """Run every benchmark and print a table, or JSON for a program."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--page", action="store_true", help="docs/performance.md too")
    parser.add_argument("--rounds", type=int, default=5, help="the median of N counts")
    parser.add_argument("--quick", action="store_true", help="a part of each trace")
    parser.add_argument("--only", default="", help="WORD,…: names that have one")
    parser.add_argument("--trace", default="", choices=[k.name for k in KINDS])
    asked = parser.parse_args()
    plan = Plan(
        rounds=asked.rounds, quick=asked.quick, only=asked.only, trace=asked.trace
    )
    where = machine()
    try:
        figures = everything.measure(plan)
    except WrongResult as wrong:
        print(wrong, file=sys.stderr)
        return 1
    where["load_after"] = round(os.getloadavg()[0], 2)
    if asked.page:
        page.write(where, figures, plan)
    if asked.json:
        print(json.dumps(report.document(where, figures), indent=2))
    else:
        print(report.text(where, figures))
        if asked.quick:
            print("\nquick: results were checked; times of so few events say nothing")
    return 0


if __name__ == "__main__":
    sys.exit(main())
