# SPDX-License-Identifier: MIT
"""``python -m benchmarks [--json] [--rounds N]``: measure, and say on what."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict

from benchmarks import replay_rate
from benchmarks.machine import machine


def main() -> None:
    """Run every benchmark and print a table, or JSON for a program."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rounds", type=int, default=7, help="the best of N counts")
    asked = parser.parse_args()
    where = machine()
    rates = [replay_rate.measure(name, asked.rounds) for name in replay_rate.WORKLOADS]
    if asked.json:
        rows = [asdict(rate) for rate in rates]
        print(json.dumps({"machine": where, "replay": rows}, indent=2))
        return
    print(", ".join(f"{name} {value}" for name, value in where.items()))
    print(replay_rate.table(rates))


if __name__ == "__main__":
    main()
