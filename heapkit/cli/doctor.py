# SPDX-License-Identifier: MIT
"""``heapkit doctor``: what this machine offers."""

from __future__ import annotations

import argparse
import json

from heapkit import offers
from heapkit.cli.text import facts

# The exit status where nothing can be simulated.
FAULT = 1


def run(args: argparse.Namespace) -> int:
    """Print it; 1 if the compiled core is broken."""
    found = offers.doctor()
    print(json.dumps(found.facts(), indent=2) if args.json else _text(found))
    return FAULT if found.simulation_fault else 0


def _text(found: offers.Doctor) -> str:
    fault = found.simulation_fault
    simulated = fault or "works: a trace was replayed and every invariant checked"
    usable = found.missing_heaps or ", ".join(found.heaps)
    versions = {**found.versions, "compiled core": simulated, "live heaps": usable}
    rows = "\n".join(_line(offer) for offer in found.offers)
    return f"{rows}\n\n{facts(versions)}"


def _line(offer: offers.Offer) -> str:
    way = f"\n{'':9}{offer.remedy}" if offer.remedy else ""
    return f"{offer.state:8} {offer.capability}: {offer.why}{way}"
